# hnsw_check names what is wrong with an index whose file was damaged, and neither it nor a scan falls over; what is not
# damaged stays as it was, whatever was cancelled or killed.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(no_data_checksums => 1);
$node->append_conf('postgresql.conf', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION medvec;
CREATE TABLE t (id int, v vector(8));
INSERT INTO t SELECT i, array_agg((random() - 0.5)::float4)::vector
	FROM generate_series(1, 1000) i, generate_series(1, 8) GROUP BY i;
INSERT INTO t SELECT id + 10000, v FROM t WHERE id % 10 = 0;
CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops, id);
CHECKPOINT;
SQL
is($node->safe_psql('postgres', "SELECT * FROM hnsw_check('t_v')"), '', 'the index is sound');
my ($block_size, $codec, $key_bytes, $path) = split /\|/,
	$node->safe_psql('postgres', "SELECT block_size, vector_codec, filter_bytes, pg_relation_filepath('t_v') FROM hnsw_info('t_v')");
my $file = $node->data_dir . "/$path";

# Places in the file.
my ($page, $header, $tail) = (8192, 24, 8176);
my $sound = slurp_file($file);
my %pages;  # by kind: the first page of each
for my $block (reverse 0 .. length($sound) / $page - 1)
{
	my ($kind, $position) = unpack 'SS', substr($sound, $block * $page + $tail, 4);
	$pages{ $kind == 4 && $position & 0x8000 ? 'upper' : $kind } = $block;
}
my $start = $pages{4} * $page + $header;  # the first block of level 0
# The arrays of a row page: nodes, block numbers, offset numbers, NULLs and values of the filter column.
my $slots = int(8 * ($page - $header - 16) / (8 * 14 + 1));
my $row_nodes = $pages{5} * $page + $header;
my ($row_blocks, $row_offsets, $row_nulls) = ($row_nodes + 4 * $slots, $row_nodes + 8 * $slots, $row_nodes + 10 * $slots);
my $row_values = $row_nulls + int(($slots + 7) / 8);
sub number { return pack 'L', $_[0] }

# The problems that a file damaged at these places has, and what a scan says.
sub damaged
{
	my %changes = @_;
	my $data = $sound;
	substr($data, $_, length $changes{$_}) = $changes{$_} for keys %changes;
	$node->stop;
	open my $out, '+<:raw', $file or die "cannot open $file: $!";
	print $out $data;
	close $out;
	$node->start;
	my ($status, $problems, $error) = $node->psql('postgres',
		"SELECT string_agg(DISTINCT regexp_replace(problem, '\\d+', 'N', 'g'), '; ') FROM hnsw_check('t_v')");
	$node->psql('postgres', "SET enable_seqscan = off; SET statement_timeout = '60s';
		SELECT id FROM t ORDER BY v <-> '[0,0,0,0,0,0,0,0]' LIMIT 2000");
	is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server is up');
	return $problems . $error;
}

is($key_bytes, 5, 'what follows knows where keys lie');
my $keys = $start + $block_size - 8;
my $vector = $keys - 2 * 8;
is($codec, 'float16', 'and the vector');
my $links = $start + $header;

like(damaged($vector => pack('S', 0x3a00)), qr/farther from the heap tuple's than its error says/, 'a vector');
like(damaged($vector => pack('S', 0x3a00)), qr/has another (code|norm) than the two vectors/, 'and what is coded from it');
like(damaged($start + 12 => pack('f', 3)), qr/the error of its vector is impossible/, 'the error of a vector');
like(damaged($start + 8 => pack('f', -1)), qr/the scale of its vector is impossible/, 'its scale');
like(damaged($start => number(1 << 30)), qr/its chain leads to no row/, 'where the rows are');
like(damaged($start + 4 => "\xff"), qr/more links than there is room for/, 'number of links');
like(damaged($start + 5 => "\xff"), qr/more anchors than links/, 'number of anchors');
like(damaged($start + 6 => "\x01"), qr/its level is not that of its group/, 'level');
like(damaged($start + 7 => "\x18"), qr/closed and not dead/, 'flags');
like(damaged($start + 7 => "\x11"), qr/marked dead, and the heap tuple is alive/, 'dead with a live row');
like(damaged($start + 7 => "\x00"), qr/leads to no block/, 'a block is gone');
like(damaged($links => number(unpack 'L', substr($sound, $links + 4, 4))), qr/is there twice/, 'a link twice');
like(damaged($links => number(0)), qr/link N, to node N, leads to no block/, 'a link to nowhere');
like(damaged($links => number(0xfffffffe)), qr/link N, to node N, leads to no block/, 'a link beyond the file');
like(damaged($row_nodes => number(3)), qr/its chain leads to a row that is not its own/, 'the node of a row');
like(damaged($row_blocks => "\xff\xff\xff\x7f"), qr/it names another heap tuple than its row/, 'the heap tuple of a row');
like(damaged($keys + 1 => number(7)), qr/its filter columns are others than its row's/, 'filter columns of a block');
like(damaged($row_values => number(7)), qr/the row's filter columns are others than the heap tuple's/, 'filter columns of a row');
like(damaged($row_nulls => "\x01"), qr/the row's filter columns are others than the heap tuple's/, 'NULL in a row');
like(damaged($header + 60 => number(0)), qr/corrupted at block 0.*REINDEX/s, 'number of filter columns');
like(damaged($row_offsets => "\x00\x00"), qr/the heap tuple has no row/, 'a row');
like(damaged($header + 52 => number(77)), qr/the entry is no block of its level/, 'the entry');
like(damaged($header + 4 => number(99)), qr/format version 99.*REINDEX/s, 'the version');
like(damaged($header + 8 => number(0)), qr/corrupted at block 0.*REINDEX/s, 'the metapage');
like(damaged($pages{5} * $page + $tail => pack('S', 4)), qr/names no row page/, 'the kind of a page');
like(damaged($pages{6} * $page + $tail => pack('S', 5)), qr/directory N is not where it says/, 'a directory');
like(damaged($pages{5} * $page => "\0" x $page), qr/names no row page/, 'an empty row page');
like(damaged($page + $header => number(12345)), qr/slots of level N are taken from a page that has none/, 'allocation');
like(damaged($page + $header + 8 => number($pages{5})), qr/free list of level N leads to a page that is not in it/, 'free list');
like(damaged($pages{upper} * $page + $header => number(0)), qr/it leads to no block below/, 'an upper block');
is(damaged(), '', 'as it was');

# Codes of rows, which vectors of few dimensions do not have.
$path = $node->safe_psql('postgres', "CREATE INDEX t_coded ON t USING hnsw (((v || v)::vector(16)) vector_l2_ops, id);
	CHECKPOINT; SELECT pg_relation_filepath('t_coded')");
is($node->safe_psql('postgres', "SELECT * FROM hnsw_check('t_coded')"), '', 'the index with codes is sound');
$node->stop;
my $data = slurp_file($node->data_dir . "/$path");
my ($codes) = grep { unpack('S', substr($data, $_ * $page + $tail, 2)) == 7 } 0 .. length($data) / $page - 1;
substr($data, $codes * $page + $header + 3, 8) = ~substr($data, $codes * $page + $header + 3, 8);
open my $out, '+<:raw', $node->data_dir . "/$path" or die "cannot open: $!";
print $out $data;
close $out;
$node->start;
like($node->safe_psql('postgres', "SELECT problem FROM hnsw_check('t_coded')"), qr/code of another vector/, 'a code');
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server is up');

$node->stop;
done_testing();
