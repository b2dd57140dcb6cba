# The commands of the page.
DROPOUT=mc_dropout_in_all_layers CPU=1 PARTS=pneumonia scripts/reproduce_ideal.sh keep_pool=true
al-run -m experiment=ideal/pneumonia_cpu 'seed=range(6)' 'name=ideal/${dataset.name}/innvestigate_cpu' logger=none \
    saliency@strategy.saliency=deep_taylor_innvestigate strategy=ideal_deep_features,ideal_kurtosis,ideal_first_order
CPU=1 PARTS=grad_cam scripts/reproduce_ideal.sh
python scripts/collect_scores.py outputs/ideal/chest_xray --metrics test/auroc --bought 0 \
    --baseline 'random, posterior=none'
al-report outputs/ideal/chest_xray/pneumonia_cpu --metric test/auroc --test t --where posterior.p=none
CPU=1 PARTS="image reversed" scripts/reproduce_ideal.sh

al-run experiment=ideal/pneumonia_cpu strategy=ideal_kurtosis audit=maps && al-report outputs/ideal

DROPOUT=mc_dropout_in_all_layers CPU=1 PARTS="pneumonia image reversed" scripts/reproduce_ideal.sh
python scripts/collect_scores.py outputs/ideal/chest_xray --metrics test/auroc --bought 0
