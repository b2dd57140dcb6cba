# The commands of the page.
CPU=1 PARTS="pneumonia image reversed" scripts/reproduce_ideal.sh

al-run experiment=ideal/pneumonia_cpu strategy=ideal_kurtosis audit=maps && al-report outputs/ideal
