-- The networks that come with medvec (models/). Written by scripts/bundled-models; a test holds it against the files.

INSERT INTO medvec.model (name, file, sha256, dimensions, spec, bundled)
VALUES ('medvec-xray-v1', 'medvec-xray-v1.pt', 'bcd830e7be4cd06286db3449d41c0c83fa783e92043021c696b1ef8bd82dd418', 256,
        '{"std": [0.25], "mean": [0.5], "pool": "none", "frame": "middle", "width": 192, "height": 192, "metric": "cosine", "resize": "crop", "window": null, "channels": 1, "l2_normalize": true, "shorter_side": 192, "interpolation": "bilinear"}',
        true);
