# The commands of the page.
CPU=1 GRIDS=10x90 REFERENCE=technion_10x90.csv scripts/reproduce_technion.sh

python scripts/collect_scores.py outputs/technion/chest_xray/full_cpu \
    --metrics test/accuracy test/precision test/recall test/f1 test/auroc

al-run -m experiment=technion/10x90_features 'seed=range(10)' logger=none \
    strategy=random,least_confidence,entropy,technion_uncertainty_released,technion_entropy_released
al-run -m experiment=technion/10x90_features 'seed=range(10)' logger=none strategy=pca_kmeans strategy.components=100
python scripts/collect_scores.py outputs/technion/chest_xray/10x90_features --bought 0 \
    --metrics test/accuracy test/precision test/recall test/f1 test/auroc

al-run -m experiment=technion/full_features schedule.epochs=3,5 optimizer.lr=1e-5,1e-4 'seed=range(10)' logger=none
python scripts/collect_scores.py outputs/technion/chest_xray/full_features \
    --metrics test/accuracy test/precision test/recall test/f1 test/auroc

al-run experiment=technion/10x90 strategy=pca_kmeans strategy.components=100 dataset.image_size=224 \
    model.pretrained=false optimizer.lr=1e-3 schedule.budget=190
