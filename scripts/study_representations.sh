#!/usr/bin/env bash
# The study of docs/results/representations.md: encoders, heads and strategies from 5 to 500 labels, on every real
# classification set at hand, and the reports of it.
#
#   scripts/study_representations.sh                           # all of it: hours on two cores
#   SETS="breastmnist glas" scripts/study_representations.sh   # some sets
#   RECIPES="simclr" scripts/study_representations.sh          # one recipe, or some
#   scripts/study_representations.sh 'seed=range(4)'           # the last value counts
#
# Whatever was stopped goes on when the same command is given again. Two runs at once with one thread each, or JOBS.
# The runs go to OUT/<recipe>/<set>, the reports to OUT/reports/<recipe>/<set>/<labels up to>. The hippocampus slices come from
# scripts/hippocampus_slices.py, which writes $OUT/hippocampus.npz where it is missing.
set -uo pipefail
OUT=${OUT:-outputs/representations}
SETS=${SETS:-breastmnist pneumoniamnist hippocampus mednist glas chest_xray}
RECIPES=${RECIPES:-simclr imagenet spreading pseudo scratch finetune}
DATA=${AL_RUNNER_DATA:?the folder of the data sets}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
BIN=${BIN:-$(dirname "$(command -v al-run)")}

strategies=random,entropy,margin,typiclust,typiclust_then_margin,prob_cover,k_center,k_means,max_herding,badge
few=random,margin,typiclust,typiclust_then_margin,badge
labels=(schedule.initial_size=5 'schedule.query_size=[5,10,10,20,25,25,50,50,100,200]' schedule.budget=500)

dataset() {
    case $1 in
    hippocampus) echo "dataset=npz dataset.path=$OUT/hippocampus.npz" ;;
    mednist) echo "dataset=npz dataset.path=$DATA/medmnist/mednist.npz" ;;
    glas) echo "dataset=glas_grades schedule.query_size=[5,10,10,20] schedule.budget=70" ;;
    chest_xray) echo "dataset=chest_xray dataset.image_size=96" ;;
    *) echo "dataset=$1" ;;
    esac
}

recipe() {
    case $1 in
    simclr) echo "encoder=simclr strategy=$strategies" ;;
    imagenet) echo "encoder=efficientnet_lite0 encoder.size=96 strategy=$strategies" ;;
    spreading) echo "encoder=simclr head.semi_supervised=label_spreading strategy=$few" ;;
    pseudo) echo "encoder=simclr head.semi_supervised=pseudo_labels strategy=$few" ;;
    finetune) echo "encoder=simclr head=finetune strategy=$few" ;;
    scratch) echo "model=convnet strategy=$few" ;;
    *) echo "there is no recipe $1" >&2 && exit 2 ;;
    esac
}

mkdir -p "$OUT"
[ -f "$OUT/hippocampus.npz" ] || [[ " $SETS " != *" hippocampus "* ]] ||
    "$BIN/python" "$(dirname "$0")/hippocampus_slices.py" "$DATA/Task04_Hippocampus" "$OUT/hippocampus.npz" || exit
code=0
for recipe in $RECIPES; do
    for set in $SETS; do
        read -ra data <<<"$(dataset "$set")"
        read -ra how <<<"$(recipe "$recipe")"
        "$BIN/al-run" -m hydra/launcher=joblib hydra.launcher.n_jobs="${JOBS:-2}" 'seed=range(20)' "${labels[@]}" \
            schedule.initial=strategy "${data[@]}" "${how[@]}" logger=none keep_checkpoints=none \
            name="$set" output_dir="$OUT/$recipe" "$@" || code=$?
        for budget in 100 500; do
            "$BIN/al-report" "$OUT/$recipe/$set" --metric test/auroc --also test/accuracy --budget "$budget" \
                --out "$OUT/reports/$recipe/$set/$budget" || exit
        done
    done
done
exit $code
