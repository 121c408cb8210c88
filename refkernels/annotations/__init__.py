"""Ground truth from files, such as COCO's, VOC's and YOLO's: images with boxes and labels."""
