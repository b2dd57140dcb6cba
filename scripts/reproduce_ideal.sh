#!/usr/bin/env bash
# The study of "Interpretability-Driven Sample Selection Using Self Supervised Learning": its figures as parts, each with
# the report of its runs.
#
#   CPU=1 scripts/reproduce_ideal.sh                            # 64×64 on a narrow network, 1,132 pediatric X-rays and GlaS
#   CPU=1 PARTS="pneumonia image" scripts/reproduce_ideal.sh    # only these
#   CPU=1 PARTS="curves switch noise" scripts/reproduce_ideal.sh   # NIH ChestX-ray14, CheXpert; 192 runs of noise
#   scripts/reproduce_ideal.sh                                  # as published, ten seeds: for a GPU
#   PARTS=pneumonia scripts/reproduce_ideal.sh 'seed=range(3)'  # the last value counts
#
# curves: Figs. 6, 15 and 16 · queries: 7 · reversed: 8a · image: 8b · switch: 9 · glas: 10 · noise: 11 · pneumonia: 12 ·
# grad_cam: 14. GlaS: by patients, DEALS of them into splits (0 1 2 3 4). Ablations are reported beside the runs of which they are variants: make these first.
# DROPOUT=mc_dropout_in_all_layers: the uncertainty baseline as in the text, "dropout distributed across all layers"; as it
# stands, one dropout before the classifier. Its network is another from the first round on, so random is run with it, too.
# Cost on a CPU: pneumonia an hour, the others half an hour to two, noise three. On a GPU each run of curves takes hours,
# and a part has 30 to 320 of them.
# Whatever was stopped goes on when the same command is given again. Two runs at once with one thread each on a CPU, one
# on a GPU, or JOBS. The runs go to OUT, each report to the folder of its runs.
set -uo pipefail
OUT=${OUT:-outputs} DROPOUT=${DROPOUT:-mc_dropout}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

if [ -n "${CPU:-}" ]; then
    form=_cpu jobs=2 seeds=6 data=chest_xray base=pneumonia sizes=20,40,80
    PARTS=${PARTS:-pneumonia image reversed grad_cam queries glas}
else
    form='' jobs=1 seeds=10 data=nih_chestxray14 base=curves sizes=4,8,16,32,64
    PARTS=${PARTS:-curves image reversed grad_cam queries noise pneumonia switch glas}
fi
for part in $PARTS; do
    case $part in
        curves | queries | reversed | image | switch | glas | noise | pneumonia | grad_cam) ;;
        *)
            echo "PARTS: $part is none of curves, queries, reversed, image, switch, glas, noise, pneumonia, grad_cam" >&2
            exit 2
            ;;
    esac
done
features=ideal_kurtosis,ideal_first_order,ideal_glcm,ideal_shape2d
methods=random,entropy,$features,ideal_deep_features
uncertainty=(strategy=predictive_variance "posterior=$DROPOUT" posterior.aleatoric=true)
code=0
run() {  # PART OVERRIDE…
    local part=$1
    shift
    al-run -m hydra/launcher=joblib hydra.launcher.n_jobs="${JOBS:-$jobs}" "seed=range($seeds)" \
        experiment="ideal/$part$form" logger=none output_dir="$OUT" "$@" || code=$?
}
report() {  # FOLDER OTHER…
    al-report "$@" --metric test/auroc --test t --out "$1/report" || code=$?
}

for part in $PARTS; do
    case $part in
        curves | pneumonia)
            run "$part" strategy="$methods" "$@"
            run "$part" "${uncertainty[@]}" "$@"
            run "$part" "${uncertainty[@]}" strategy=random "$@"
            run "$part" strategy=random "$@" schedule.initial_size=all schedule.budget=all
            where=$data
            [ "$part$form" != curves_cpu ] || where=nih_chestxray14
            report "$OUT/ideal/$where/$part$form"
            ;;
        queries)
            for strategy in ideal_deep_features predictive_variance; do
                name="ideal/$data/queries$form/$strategy" more=()
                [ "$strategy" = ideal_deep_features ] || more=(posterior.aleatoric=true)
                run queries strategy="$strategy" "${more[@]}" schedule.query_size="$sizes" name="$name" "$@"
                run queries strategy=random name="$name" 'report.arm="all labels"' "$@" \
                    schedule.initial_size=all schedule.budget=all
                report "$OUT/$name"
            done
            ;;
        reversed | image | grad_cam)
            case $part in
                reversed)
                    run reversed strategy@strategy.strategy="$features" "$@"
                    run reversed strategy@strategy.strategy=predictive_variance "posterior=$DROPOUT" posterior.aleatoric=true "$@"
                    run "$base" strategy=ideal_deep_features strategy.least_first=true \
                        name="ideal/$data/reversed$form" "$@"
                    ;;
                image) run image strategy="$features,ideal_deep_features" "$@" ;;
                grad_cam) run grad_cam strategy=ideal_kurtosis,ideal_first_order,ideal_deep_features "$@" ;;
            esac
            report "$OUT/ideal/$data/$part$form" "$OUT/ideal/$data/$base$form"
            ;;
        noise)
            for sigma in 0.005 0.01 0.05 0.1; do
                name="ideal/$data/noise$form/$sigma"
                run noise strategy="$methods" image_noise.sigma="$sigma" name="$name" "$@"
                run noise "${uncertainty[@]}" image_noise.sigma="$sigma" name="$name" "$@"
                report "$OUT/$name"
            done
            ;;
        switch)
            run switch strategy="$methods" "$@"
            run switch "${uncertainty[@]}" "$@"
            report "$OUT/ideal/nih_chestxray14/switch$form"
            ;;
        glas)
            for deal in ${DEALS:-0 1 2 3 4}; do
                deal=(dataset.split_seed="$deal")
                run glas_patients strategy="random,entropy,$features" "${deal[@]}" "$@"
                run glas_patients strategy=ideal_deep_features strategy.clusters=4 "${deal[@]}" "$@"
                run glas_patients "${uncertainty[@]}" "${deal[@]}" "$@"
                run glas_patients strategy=random "${deal[@]}" "$@" schedule.initial_size=all schedule.budget=all
            done
            al-report "$OUT/ideal/glas/glas_patients$form" --test t || code=$?
            ;;
    esac
done
exit $code
