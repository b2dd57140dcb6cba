# The commands of the page.
al-run -m hydra/launcher=joblib 'seed=range(6)' dataset=pneumoniamnist,breastmnist model.width=8 posterior=mc_dropout \
  strategy=random,entropy,mc_entropy,bald,batchbald,power_bald,k_center,k_means,typiclust,prob_cover,max_herding,badge,\
cluster_margin,uncertainty_k_means,suggestive_annotation,contrastive,density_weighted
for set in pneumoniamnist breastmnist; do
    al-report outputs/$set
    al-report outputs/$set --metric test/auroc --out auroc/$set
done
