# Logical replication of tables with columns of every type, in text and in binary: the first copy, then inserts, updates, deletes;
# the subscriber's own indexes follow.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Columns;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->append_conf('postgresql.conf', 'autovacuum = off');
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->start;

$publisher->safe_psql('postgres', 'CREATE EXTENSION medvec;' . Columns::definitions() . Columns::rows());
# The identity that finds rows to change where it is not the key: all columns, compared by the types' own equality.
$publisher->safe_psql('postgres', q{
	CREATE TABLE whole (v vector(3), h halfvec(3), s sparsevec(3), b bit(3));
	ALTER TABLE whole REPLICA IDENTITY FULL;
	INSERT INTO whole SELECT made, made, made, binary_quantize(made) FROM generate_series(1, 100) i, LATERAL (SELECT ARRAY[i, -i, 0.5]::vector AS made) m;
	CREATE PUBLICATION everything FOR TABLE item, ends, whole});
my $whole = 'SELECT * FROM whole ORDER BY v, h, s, b';

for my $mode ('text', 'binary')
{
	my $binary = $mode eq 'binary' ? 'true' : 'false';
	my $database = "in_$mode";
	$subscriber->safe_psql('postgres', "CREATE DATABASE $database");
	$subscriber->safe_psql($database, 'CREATE EXTENSION medvec;' . Columns::definitions()
		  . 'CREATE TABLE whole (v vector(3), h halfvec(3), s sparsevec(3), b bit(3)); ALTER TABLE whole REPLICA IDENTITY FULL');
	my $connection = $publisher->connstr . ' dbname=postgres';
	$subscriber->safe_psql($database,
		"CREATE SUBSCRIPTION sub_$mode CONNECTION '$connection' PUBLICATION everything WITH (binary = $binary)");
	$subscriber->wait_for_subscription_sync($publisher, "sub_$mode", $database);
	is(Columns::contents($subscriber, $database), Columns::contents($publisher, 'postgres'), "$mode: the first copy");
	is($subscriber->safe_psql($database, $whole), $publisher->safe_psql('postgres', $whole), "$mode: the first copy of the table without a key");
}

$publisher->safe_psql('postgres', q{
	INSERT INTO item (id, v, loose, h, s, b, list, halves, sparse, checked, nested, pair)
		SELECT id + 5000, v + v, loose, h, s, b, list, halves, sparse, checked, nested, pair FROM item WHERE id <= 50;
	UPDATE item SET v = v * v, checked = '[0,1,0]', sparse = NULL WHERE id BETWEEN 100 AND 150;
	UPDATE item SET id = id + 9000 WHERE id BETWEEN 200 AND 210;
	DELETE FROM item WHERE id BETWEEN 300 AND 320;
	UPDATE ends SET b = B'10' WHERE id = 1;
	UPDATE whole SET h = h + h WHERE v > '[90]';
	DELETE FROM whole WHERE v < '[20]'});
for my $mode ('text', 'binary')
{
	my $database = "in_$mode";
	$publisher->wait_for_catchup("sub_$mode");
	is(Columns::contents($subscriber, $database), Columns::contents($publisher, 'postgres'), "$mode: inserts, updates and deletes");
	is($subscriber->safe_psql($database, $whole), $publisher->safe_psql('postgres', $whole), "$mode: rows found by all their columns");
	is(Columns::unsound($subscriber, $database), '', "$mode: the subscriber's indexes are sound and find what is near");
	is($subscriber->safe_psql($database, "SELECT subbinary FROM pg_subscription WHERE subname = 'sub_$mode'"), $mode eq 'binary' ? 't' : 'f',
		"$mode it was");
}
$subscriber->safe_psql("in_$_", "DROP SUBSCRIPTION sub_$_") for 'text', 'binary';

done_testing();
