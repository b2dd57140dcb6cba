# The commands of the page.
CPU=1 GRIDS=10x90 REFERENCE=technion_10x90.csv scripts/reproduce_technion.sh

python scripts/collect_scores.py outputs/technion/chest_xray/full_cpu \
    --metrics test/accuracy test/precision test/recall test/f1 test/auroc

al-run experiment=technion/10x90 strategy=pca_kmeans strategy.components=100 dataset.image_size=224 \
    model.pretrained=false optimizer.lr=1e-3 schedule.budget=190
