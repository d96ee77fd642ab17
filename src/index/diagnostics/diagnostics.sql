-- diagnostics of hnsw indexes, for the owner of the table

CREATE FUNCTION hnsw_check(index regclass, OUT block bigint, OUT node bigint, OUT heap_tuple tid, OUT problem text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'medvec_hnsw_check' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION hnsw_check(regclass) IS
	'what is wrong with an hnsw index, checked against its table: no rows where it is sound; nobody writes meanwhile';

CREATE FUNCTION hnsw_info(index regclass,
		OUT format_version int, OUT metric text, OUT dimensions int, OUT m int, OUT ef_construction int,
		OUT vector_codec text, OUT code_bits int, OUT code_bytes int, OUT max_degree int,
		OUT block_size int, OUT blocks_per_group int, OUT pages_per_group int,
		OUT filter_columns int, OUT filter_bytes int,
		OUT rows bigint, OUT nodes bigint, OUT dead_nodes bigint, OUT closed_nodes bigint, OUT free_slots bigint,
		OUT nodes_per_level bigint[],
		OUT min_degree int, OUT avg_degree float8, OUT max_degree_used int, OUT nodes_per_degree bigint[],
		OUT pages bigint, OUT bytes bigint, OUT meta_bytes bigint, OUT centre_bytes bigint, OUT node_bytes bigint,
		OUT upper_bytes bigint, OUT row_bytes bigint, OUT directory_bytes bigint, OUT unused_bytes bigint,
		OUT bytes_per_row float8)
	AS 'MODULE_PATHNAME', 'medvec_hnsw_info' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION hnsw_info(regclass) IS
	'what an hnsw index is and how it fills its pages; subscripts of the arrays are levels and degrees, from 0';

CREATE FUNCTION hnsw_recall(index regclass, samples int DEFAULT 100, k int DEFAULT 10,
		OUT recall float8, OUT samples_used int, OUT ef_search int, OUT nodes_visited float8, OUT rows_returned float8)
	AS 'MODULE_PATHNAME', 'medvec_hnsw_recall' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION hnsw_recall(regclass, int, int) IS
	'share of the k nearest rows that an hnsw index finds, for rows at random and with the settings in force; each sample costs an exact scan';

CREATE FUNCTION hnsw_last_scan(OUT nodes bigint, OUT pages bigint, OUT rows bigint, OUT beam bigint, OUT whole boolean,
		OUT strategy text, OUT matches bigint)
	AS 'MODULE_PATHNAME', 'medvec_hnsw_last_scan' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION hnsw_last_scan() IS
	'the last hnsw scan of this session: nodes visited, pages read for them, rows returned, width of the beam, whether it read the rest of the index, what it did, and about how many rows match its conditions';
