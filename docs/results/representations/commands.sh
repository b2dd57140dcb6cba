# The commands of the page.
scripts/study_representations.sh

al-run -m hydra/launcher=joblib encoder=simclr dataset=pneumoniamnist strategy=random,typiclust schedule.initial=strategy \
    schedule.initial_size=10,20,50,100,200 'schedule.budget=${schedule.initial_size}' 'seed=range(6)'
