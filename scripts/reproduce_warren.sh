#!/usr/bin/env bash
# The study of "The Use of Mutual Information and Entropy as an Acquisition Function to be Used in Active Learning": the
# paper's one-shot form, and the loop at which it stops, against random and entropy; six seeds, and the reports of both.
#
#   scripts/reproduce_warren.sh                                          # phantom_ct: synthetic, nothing to download
#   DATA=hippocampus scripts/reproduce_warren.sh                         # Task04_Hippocampus in data_dir
#   FORMS=one_shot scripts/reproduce_warren.sh seed=0                    # the paper's own: one training, one report
#   FORMS=ablation scripts/reproduce_warren.sh                           # one shot: either term alone, and other readings
#   FORMS=loop scripts/reproduce_warren.sh schedule.query_size=4         # the last value counts
#
# Whatever was stopped goes on when the same command is given again. Two runs at once with one thread each, or JOBS. The
# runs go to OUT, each report to the folder of its runs.
set -uo pipefail
OUT=${OUT:-outputs}
DATA=${DATA:-phantom_ct}
FORMS=${FORMS:-one_shot loop}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

code=0
run() {
    al-run -m hydra/launcher=joblib hydra.launcher.n_jobs="${JOBS:-2}" 'seed=range(6)' \
        logger=none output_dir="$OUT" "$@" || code=$?
}

for form in $FORMS; do
    case $form in
        one_shot) run experiment="warren/${DATA}_one_shot" "$@" ;;
        loop) run experiment="warren/$DATA" strategy=random,entropy,nmi_entropy_coarse "$@" ;;
        ablation)
            score=(experiment="warren/${DATA}_one_shot" 'name=warren/${dataset.name}/ablation')
            run "${score[@]}" strategy.alpha=1 strategy.beta=0 "$@"
            run "${score[@]}" strategy.alpha=0 strategy.beta=1 "$@"
            run "${score[@]}" strategy.alpha=1 strategy.beta=1 strategy.information=normalized,plain "$@"
            run "${score[@]}" strategy.alpha=1 strategy.beta=1 strategy.entropy=per_foreground "$@"
            run "${score[@]}" strategy=entropy_per_foreground "$@"
            ;;
        *) echo "FORMS=$FORMS: one_shot, loop, ablation, or several" >&2; exit 2 ;;
    esac
done

case $DATA in
    hippocampus) name=Task04_Hippocampus ;;
    *) name=$DATA ;;
esac
for form in $FORMS; do
    al-report "$OUT/warren/$name/$form" || exit
done
exit $code
