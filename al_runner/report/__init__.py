"""From run folders to answers: `al-report`."""
