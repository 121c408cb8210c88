"""Reading back the targets of a whole data set: by image, in batches, and for training."""
