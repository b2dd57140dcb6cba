#!/usr/bin/env bash
# The six regimes of "Active Learning with Data Augmentation for Organ Classification" with five seeds, and their report.
#
#   scripts/reproduce_alda.sh                                                # OrganSMNIST, downloaded if it is not there
#   scripts/reproduce_alda.sh dataset=pneumoniamnist                         # any other set
#   scripts/reproduce_alda.sh dataset=npz dataset.path=my.npz
#   scripts/reproduce_alda.sh dataset=bloodmnist 'seed=range(8)'             # the last value counts
#   scripts/reproduce_alda.sh 'experiment=glob(alda/*,exclude=alda/1*)' schedule.budget=70,139,278
#
# Whatever was stopped goes on when the same command is given again. Two runs at once with one thread each by default;
# on a GPU: JOBS=1 scripts/reproduce_alda.sh. The runs go to OUT, the report to OUT/alda/report.
set -uo pipefail
OUT=${OUT:-outputs}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

al-run -m hydra/launcher=joblib hydra.launcher.n_jobs="${JOBS:-2}" 'experiment=glob(alda/*)' 'seed=range(5)' \
    logger=none output_dir="$OUT" "$@"
code=$?
al-report "$OUT/alda" || exit
exit $code
