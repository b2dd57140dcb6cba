#!/usr/bin/env bash
# The study of "The Use of Mutual Information and Entropy as an Acquisition Function to be Used in Active Learning": the
# paper's one-shot form, and the loop at which it stops, against random and entropy; six seeds, and the reports of both.
#
#   scripts/reproduce_warren.sh                                          # phantom_ct: synthetic, nothing to download
#   DATA=hippocampus scripts/reproduce_warren.sh                         # Task04_Hippocampus in data_dir
#   FORMS=one_shot scripts/reproduce_warren.sh seed=0                    # the paper's own: one training, one report
#   FORMS="one_shot ablation" scripts/reproduce_warren.sh                # either term alone, and other readings
#   FORMS=loop scripts/reproduce_warren.sh schedule.query_size=4         # the last value counts
#
# The ablation needs no further training: the models of one_shot give each of its scores to their own pools.
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
        ablation) ;;
        *) echo "FORMS=$FORMS: one_shot, loop, ablation, or several" >&2; exit 2 ;;
    esac
done

case $DATA in
    hippocampus) name=Task04_Hippocampus ;;
    *) name=$DATA ;;
esac
score=(--score nmi_entropy_coarse)
for form in $FORMS; do
    if [ "$form" = ablation ]; then
        file=$OUT/warren/$name/ablation.csv
        python "$(dirname "$0")/other_scores.py" "$OUT/warren/$name/one_shot" "${score[@]}" "${score[@]}" beta=0 \
            "${score[@]}" alpha=0 "${score[@]}" information=plain "${score[@]}" entropy=per_foreground \
            --score entropy_per_foreground > "$file.new" && mv "$file.new" "$file" || exit
    else
        al-report "$OUT/warren/$name/$form" || exit
    fi
done
exit $code
