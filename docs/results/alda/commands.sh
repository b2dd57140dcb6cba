# The commands of the page.
scripts/reproduce_alda.sh dataset=npz dataset.path=mednist.npz
scripts/reproduce_alda.sh dataset=pneumoniamnist
al-report outputs/alda/pneumoniamnist --where seed=0,1,2,3,4
OUT=outputs/new scripts/reproduce_alda.sh dataset=pneumoniamnist 'experiment=glob([alda/2*,alda/6*])' 'seed=range(8,28)'
OUT=outputs/new scripts/reproduce_alda.sh dataset=pneumoniamnist 'experiment=glob([alda/3*,alda/4*])' 'seed=range(8,28)'
python scripts/collect_scores.py outputs/new --metrics val/accuracy_max test/accuracy
