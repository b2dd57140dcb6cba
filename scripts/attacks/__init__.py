"""What `scripts/campaign.py` does to al-runner: kills, full disks, damaged and hostile files."""
