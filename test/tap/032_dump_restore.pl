# Columns of every type, arrays, domains, generated columns, several indexes, materialised views: there and back by COPY in binary,
# by pg_dump in plain and custom format, and by logical replication in 033 (test/tap/Columns.pm).
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Columns;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION medvec');
$node->safe_psql('postgres', Columns::definitions() . Columns::rows());
$node->safe_psql('postgres', Columns::derived());
my $contents = Columns::contents($node, 'postgres');

# psql's COPY BINARY, whole tables and each column.
my $file = $node->basedir . '/copy';
for my $table (qw(item ends))
{
	my $columns = join ', ', $table eq 'item' ? Columns::stored() : qw(id v h s b);
	$node->safe_psql('postgres', "CREATE TABLE copied (LIKE $table INCLUDING GENERATED INCLUDING CONSTRAINTS)");
	$node->safe_psql('postgres', "\\copy $table ($columns) TO '$file' (FORMAT binary)");
	$node->safe_psql('postgres', "\\copy copied ($columns) FROM '$file' (FORMAT binary)");
	my ($copied, $original) = map { $node->safe_psql('postgres', "SELECT t FROM $_ t ORDER BY id") } 'copied', $table;
	is($copied, $original, "COPY BINARY of $table");
	$node->safe_psql('postgres', 'DROP TABLE copied');
}
for my $column (Columns::stored())
{
	my $type = $node->safe_psql('postgres',
		"SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'item'::regclass AND attname = '$column'");
	$node->safe_psql('postgres', "CREATE TABLE one_$column (value $type)");
	unlink $file;
	$node->safe_psql('postgres', "\\copy (SELECT $column FROM item ORDER BY id) TO '$file' (FORMAT binary)");
	$node->safe_psql('postgres', "\\copy one_$column FROM '$file' (FORMAT binary)");
	is( $node->safe_psql('postgres', "SELECT string_agg(coalesce(value::text, '-'), ' ' ORDER BY ctid) FROM one_$column"),
		$node->safe_psql('postgres', "SELECT string_agg(coalesce($column\::text, '-'), ' ' ORDER BY id) FROM item"), "COPY BINARY of $column, $type");
	my $before = slurp_file($file);
	$node->safe_psql('postgres', "\\copy (SELECT value FROM one_$column ORDER BY ctid) TO '$file.again' (FORMAT binary)");
	ok($before eq slurp_file("$file.again"), "$column: the same bytes again");
	$node->safe_psql('postgres', "DROP TABLE one_$column");
}

# Binary data that is not what the column takes: an error, not a crash.
{
	$node->safe_psql('postgres', 'CREATE TABLE wrong (value halfvec(3))');
	unlink $file;
	$node->safe_psql('postgres', "\\copy (SELECT '[1,2,3]'::vector) TO '$file' (FORMAT binary)");
	my (undef, undef, $error) = $node->psql('postgres', "\\set VERBOSITY verbose\n\\copy wrong FROM '$file' (FORMAT binary)");
	like($error, qr/ERROR:  (22P03|22000|08P01): /, 'a vector where a halfvec is expected');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM wrong'), '0', 'is refused');
	$node->safe_psql('postgres', 'DROP TABLE wrong');
}

# pg_dump.
my %restores = (
	plain => sub {
		my ($dump, $to) = @_;
		return [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $to, '-f', $dump ];
	},
	custom => sub {
		my ($dump, $to) = @_;
		return [ 'pg_restore', '--exit-on-error', '-d', $to, $dump ];
	});
for my $format (sort keys %restores)
{
	my $dump = $node->basedir . "/$format";
	$node->safe_psql('postgres', "CREATE DATABASE $format");
	$node->command_ok([ 'pg_dump', "--format=$format", '-d', $node->connstr('postgres'), '-f', $dump ], "pg_dump, $format");
	$node->command_ok($restores{$format}->($dump, $node->connstr($format)), "restore, $format");
	is(Columns::contents($node, $format), $contents, "$format: rows, views and index definitions are the same");
	is(Columns::unsound($node, $format), '', "$format: the indexes are sound and find what is near");
	my ($status, undef, $error) = $node->psql($format, "INSERT INTO item (id, checked) VALUES (-1, '[1,1,1]')");
	like($error, qr/violates check constraint/, "$format: the domain still checks");
}

done_testing();
