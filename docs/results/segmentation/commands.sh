# The commands of the page.
al-run -m 'seed=range(3)' dataset=decathlon dataset.folder=Task04_Hippocampus 'dataset.shape=[40,56,40]' \
    model=dense_vnet model.width=0.5 optimizer=adam optimizer.lr=3e-3 optimizer.batch_size=2 \
    'optimizer.milestones=[0.6,0.85]' posterior=mc_dropout posterior.p=0.2 schedule.initial_size=8 \
    schedule.query_size=8 schedule.budget=40 schedule.epochs=20 strategy=random,entropy,bald,k_center
al-run -m 'seed=range(3)' dataset=glas model=unet model.width=8 model.depth=4 optimizer=adam optimizer.lr=3e-3 \
    optimizer.batch_size=4 'optimizer.milestones=[0.6,0.85]' posterior=mc_dropout posterior.p=0.2 \
    schedule.initial_size=8 schedule.query_size=8 schedule.budget=40 schedule.epochs=20 \
    strategy=random,entropy,bald,k_center

al-run dataset=decathlon dataset.folder=Task04_Hippocampus 'dataset.shape=[40,56,40]' model=dense_vnet \
    schedule=full schedule.epochs=20 optimizer=adam optimizer.lr=3e-3 optimizer.batch_size=2 'optimizer.milestones=[0.6,0.85]'
al-run dataset=glas model=unet model.width=8 model.depth=4 schedule=full schedule.epochs=60 \
    optimizer=adam optimizer.lr=3e-3 optimizer.batch_size=4 'optimizer.milestones=[0.6,0.85]'
