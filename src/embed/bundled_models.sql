-- The networks that come with medvec (models/). Written by scripts/bundled-models; a test holds it against the files.

INSERT INTO medvec.model (name, file, sha256, dimensions, spec, bundled)
VALUES ('medvec-xray-v1', 'medvec-xray-v1.pt', 'a380fd7653c2e92b7836aa5db49f380be5354c2b45027c293632e7835d99c396', 256,
        '{"std": [0.25], "mean": [0.5], "pool": "none", "frame": "middle", "width": 192, "height": 192, "metric": "cosine", "resize": "crop", "window": null, "channels": 1, "l2_normalize": true, "shorter_side": 192, "interpolation": "bilinear"}',
        true);
