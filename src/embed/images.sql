-- Images: embedded, described, shown. Decoding and networks run in the embedder, so a call costs milliseconds: COST says
-- so to the planner.

CREATE FUNCTION embed_image(image bytea, model text) RETURNS vector
    AS 'MODULE_PATHNAME', 'medvec_embed_image' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION embed_image(bytea, text) IS
    'the vector that a registered model makes of an image (DICOM, PNG or JPEG)';

CREATE FUNCTION embed_image(image bytea, model text, frame integer) RETURNS vector
    AS 'MODULE_PATHNAME', 'medvec_embed_image_frame' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION embed_image(bytea, text, integer) IS
    'the vector that a registered model makes of one frame of an image; frames count from 1';

-- Depends on the setting medvec.default_model, therefore only STABLE.
CREATE FUNCTION embed_image(image bytea) RETURNS vector
    AS 'MODULE_PATHNAME', 'medvec_embed_image_default' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION embed_image(bytea) IS
    'the vector that the model of the setting medvec.default_model makes of an image';

CREATE FUNCTION embed_images(images bytea[], model text) RETURNS vector[]
    AS 'MODULE_PATHNAME', 'medvec_embed_images' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION embed_images(bytea[], text) IS
    'the vectors of many images by one request, decoded side by side; NULL elements stay NULL';

CREATE FUNCTION image_info(image bytea, OUT format text, OUT width integer, OUT height integer, OUT channels integer,
                           OUT bits integer, OUT frames integer, OUT modality text, OUT transfer_syntax text)
    AS 'MODULE_PATHNAME', 'medvec_image_info' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION image_info(bytea) IS 'what kind of image it is, by its header';

CREATE FUNCTION dicom_header(image bytea) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'medvec_dicom_header' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION dicom_header(bytea) IS
    'the header of a DICOM file in the DICOM JSON model (PS3.18 F), without pixel data';

CREATE FUNCTION image_thumbnail(image bytea, size integer DEFAULT 256) RETURNS bytea
    AS 'MODULE_PATHNAME', 'medvec_image_thumbnail' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50000;
COMMENT ON FUNCTION image_thumbnail(bytea, integer) IS
    'a PNG of the image as a viewer would show it, its longer side at most so many pixels';
