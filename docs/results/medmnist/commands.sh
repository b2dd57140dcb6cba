# The commands of the page.
al-run -m experiment=medmnist/resnet18_full dataset=breastmnist seed=0,1,2 \
    trainer.precision=bf16 trainer.threads=1 logger=none
al-run -m experiment=medmnist/resnet18_full dataset=pneumoniamnist schedule.epochs=5 seed=0,1,2 \
    trainer.precision=bf16 trainer.threads=1 logger=none
