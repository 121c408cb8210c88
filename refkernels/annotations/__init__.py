"""Ground truth from files, COCO's, Pascal VOC's and YOLO's: images with boxes and labels."""
