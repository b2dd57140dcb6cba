#!/usr/bin/env bash
# The study of "Enhancing X-Ray Imaging Analysis with Active Learning": strategies as its text describes them and as its
# released code computes them, six seeds, all labels as a reference, and the reports of them.
#
#   CPU=1 scripts/reproduce_technion.sh                                      # 64×64, a narrow network from scratch
#   scripts/reproduce_technion.sh                                            # 312×312, ImageNet weights: for a GPU
#   CPU=1 GRIDS="10x90" scripts/reproduce_technion.sh                        # without the thirty queries of 30
#   CPU=1 GRIDS="10x90" scripts/reproduce_technion.sh 'seed=range(8)'        # the last value counts
#   CPU=1 scripts/reproduce_technion.sh dataset=pneumoniamnist '~dataset.image_size'   # images of a size of their own
#   REFERENCE=published.csv scripts/reproduce_technion.sh                    # published figures beside ours
#
# REFERENCE has the columns strategy (random, uncertainty, entropy, pca_then_kmeans), n_labeled, accuracy, f1, ….
# Whatever was stopped goes on when the same command is given again. Two runs at once with one thread each on a CPU, one
# on a GPU, or JOBS. The runs go to OUT, each report to the folder of its runs.
set -uo pipefail
OUT=${OUT:-outputs}
GRIDS=${GRIDS:-10x90 30x30}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

if [ -n "${CPU:-}" ]; then
    form=_cpu jobs=2 sweep=(schedule.epochs=10,20 optimizer.lr=1e-3,1e-4)
else
    form='' jobs=1 sweep=(schedule.epochs=3,5 optimizer.lr=1e-5,1e-4)
fi
published=()
if [ -n "${REFERENCE:-}" ]; then
    published=(--reference "$REFERENCE" --reference-as uncertainty=technion_uncertainty_released
        --reference-as entropy=technion_entropy_released --reference-as pca_then_kmeans=pca_kmeans)
fi
code=0
run() {
    al-run -m hydra/launcher=joblib hydra.launcher.n_jobs="${JOBS:-$jobs}" 'seed=range(6)' \
        logger=none output_dir="$OUT" "$@" || code=$?
}

for grid in $GRIDS; do
    as_described=random,least_confidence,entropy
    as_released=technion_uncertainty_released,technion_entropy_released
    run experiment="technion/$grid$form" strategy="$as_described,$as_released" "$@"
    run experiment="technion/$grid$form" strategy=pca_kmeans strategy.components=100 "$@"
    run experiment="technion/$grid$form" "$@" schedule.initial_size=all schedule.budget=all
done
run experiment="technion/full$form" "${sweep[@]}" "$@"

for grid in $GRIDS full; do
    for folder in "$OUT"/technion/*/"$grid$form"; do
        options=(--also test/f1 --also test/auroc)
        [ "$grid" = full ] || options+=("${published[@]}")
        al-report "$folder" "${options[@]}" || exit
    done
done
exit $code
