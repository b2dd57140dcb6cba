# The commands of the page.
FORMS=one_shot scripts/reproduce_warren.sh seed=0
FORMS=one_shot DATA=hippocampus scripts/reproduce_warren.sh seed=0

FORMS="one_shot ablation" DATA=hippocampus scripts/reproduce_warren.sh 'seed=range(10)'
