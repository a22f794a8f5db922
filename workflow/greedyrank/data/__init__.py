"""Files of instances: targets drawn at random, images, ratings."""
