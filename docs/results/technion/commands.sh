# The commands of the page.
CPU=1 GRIDS=10x90 REFERENCE=technion_10x90.csv scripts/reproduce_technion.sh

python scripts/collect_scores.py outputs/technion/chest_xray/full_cpu \
    --metrics test/accuracy test/precision test/recall test/f1 test/auroc

al-run -m experiment=technion/10x90_features 'seed=range(10)' logger=none \
    strategy=random,least_confidence,entropy,technion_uncertainty_released,technion_entropy_released
al-run -m experiment=technion/10x90_features 'seed=range(10)' logger=none strategy=pca_kmeans strategy.components=100
python scripts/collect_scores.py outputs/technion/chest_xray/10x90_features --bought 0 \
    --metrics test/accuracy test/precision test/recall test/f1 test/auroc

al-run -m experiment=technion/10x90_cpu,technion/30x30_cpu strategy=random 'seed=range(6)' logger=none
al-run -m experiment=technion/10x90_cpu,technion/30x30_cpu strategy=pca_kmeans strategy.components=100 \
    'seed=range(6)' logger=none
python scripts/collect_scores.py outputs/technion/chest_xray/10x90_cpu outputs/technion/chest_xray/30x30_cpu \
    --metrics test/accuracy --bought 0 --baseline 'random, schedule.query_size=[90]'
al-run -m experiment=technion/10x90_features schedule.query_size=30 'name=technion/${dataset.name}/30x30_features' \
    strategy=random 'seed=range(10)' logger=none
al-run -m experiment=technion/10x90_features schedule.query_size=30 'name=technion/${dataset.name}/30x30_features' \
    strategy=pca_kmeans strategy.components=100 'seed=range(10)' logger=none
python scripts/collect_scores.py outputs/technion/chest_xray/10x90_features outputs/technion/chest_xray/30x30_features \
    --metrics test/accuracy --bought 0 --baseline 'random, schedule.query_size=[90]'

al-run -m experiment=technion/full_features schedule.epochs=3,5 optimizer.lr=1e-5,1e-4 'seed=range(10)' logger=none
python scripts/collect_scores.py outputs/technion/chest_xray/full_features \
    --metrics test/accuracy test/precision test/recall test/f1 test/auroc

al-run experiment=technion/10x90 strategy=pca_kmeans strategy.components=100 dataset.image_size=224 \
    model.pretrained=false optimizer.lr=1e-3 schedule.budget=190
