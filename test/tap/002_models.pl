# The registry of models, with the real embedder and the bundled model: registering, refusing, changing files, caches of
# other sessions, privileges, dump and restore.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use File::Copy;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
my $models = $node->basedir . '/models';
mkdir $models;
$node->append_conf('postgresql.conf', "medvec.model_directory = '$models'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION medvec');
chomp(my $share = `pg_config --sharedir`);
my $bundled = "$share/medvec/models/medvec-xray-v1.pt";

# A PNG of 8 × 8 grey pixels, and a larger one.
sub png
{
	my ($size, $value) = @_;
	require Compress::Zlib;
	my $chunk = sub {
		my ($type, $data) = @_;
		return pack('N', length $data) . $type . $data . pack('N', Compress::Zlib::crc32($type . $data));
	};
	my $rows = ("\0" . chr($value) x $size) x $size;
	return "\x89PNG\r\n\x1a\n" . $chunk->('IHDR', pack('NNC5', $size, $size, 8, 0, 0, 0, 0))
	  . $chunk->('IDAT', Compress::Zlib::compress($rows)) . $chunk->('IEND', '');
}
my $png = unpack 'H*', png(64, 100);
my $image = "'\\x$png'::bytea";

sub failure
{
	my ($sql, $before) = @_;
	my ($status, undef, $stderr) = $node->psql('postgres', "\\set VERBOSITY verbose\n" . ($before // '') . $sql);
	my ($state, $message) = $stderr =~ /ERROR:  ([0-9A-Z]{5}): (.*)/;
	return wantarray ? ($state // 'none', $message // $stderr, $stderr) : ($state // "none: $stderr");
}

# The bundled model.
my $row = $node->safe_psql('postgres', "SELECT name, file, sha256, dimensions, spec FROM medvec.model WHERE bundled");
my ($name, $file, $sha256, $dimensions, $spec) = split /\|/, $row;
is($node->safe_psql('postgres', "SELECT sha256, dimensions, full_spec FROM medvec.inspect_model('$file')"),
	"$sha256|$dimensions|$spec", 'the bundled model is what the registry says');
is($node->safe_psql('postgres', "SELECT medvec.default_model()"), $name, 'and the default');
is($node->safe_psql('postgres', "SELECT vector_dims(embed_image($image))"), $dimensions, 'it embeds');
is($node->safe_psql('postgres', "SELECT round(vector_norm(embed_image($image, '$name'))::numeric, 4)"), '1.0000', 'to length 1');
is($node->safe_psql('postgres', "SELECT embed_image($image, '$name') = embed_image($image)"), 't', 'the same by name and by default');
is( $node->safe_psql('postgres',
		"SELECT embed_images(ARRAY[$image, NULL, $image], '$name') = ARRAY[embed_image($image), NULL, embed_image($image)]"),
	't', 'the same one by one and in a batch');
is($node->safe_psql('postgres', "SELECT loaded FROM medvec.models WHERE name = '$name'"), 't', 'loaded, says the view');

# Registering.
copy($bundled, "$models/copy.pt") or die $!;
is($node->safe_psql('postgres', "SELECT dimensions FROM medvec.register_model('mine', 'copy.pt')"), $dimensions,
	'registers with the spec inside the file');
is($node->safe_psql('postgres', "SELECT embed_image($image, 'mine') = embed_image($image)"), 't', 'and embeds');
is(failure("SELECT medvec.register_model('mine', 'copy.pt')"), '42710', 'not twice');
is(failure("SELECT medvec.register_model('mine', 'copy.pt', '{\"height\": 64, \"width\": 64, \"channels\": 1, \"mean\": [0.5], \"std\": [0.5]}')"),
	'42710', 'nor with another spec under the name');
$node->safe_psql('postgres',
	"SELECT medvec.register_model('small', 'copy.pt', '{\"height\": 64, \"width\": 64, \"channels\": 1, \"mean\": [0.5], \"std\": [0.5], \"l2_normalize\": true}')");
is($node->safe_psql('postgres', "SELECT embed_image($image, 'small') <> embed_image($image, 'mine')"), 't',
	'another spec under another name');
is(failure("SELECT medvec.register_model('bad', 'copy.pt', '{\"heigth\": 64}')"), '22023', 'a misspelt key');
is(failure("SELECT medvec.register_model('bad', 'copy.pt', '{\"channels\": 3}')"), '22023', 'a spec the network does not fit');
is(failure("SELECT medvec.register_model('bad', 'nowhere.pt')"), '58P01', 'no such file');
is(failure("SELECT medvec.register_model('bad', '../copy.pt')"), '22023', 'outside the directory');
is(failure("SELECT medvec.register_model('bad', '/etc/passwd')"), '22023', 'an absolute path');
is(failure("SELECT medvec.register_model('', 'copy.pt')"), '22023', 'no name');
append_to_file("$models/junk.pt", 'this is no TorchScript');
is(failure("SELECT medvec.register_model('bad', 'junk.pt')"), '22023', 'no TorchScript');
is($node->safe_psql('postgres', "SELECT count(*) FROM medvec.models WHERE name = 'bad'"), '0', 'nothing of it is registered');

# A session that has the model cached learns of a drop, and of a rollback.
{
	my $in = '';
	my $out = '';
	my $err = '';
	my $timer = IPC::Run::timeout(60);
	my $psql = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-f', '-' ], '<', \$in, '>', \$out, '2>', \$err, $timer);
	$in .= "SELECT 'first', vector_dims(embed_image($image, 'small'));\n";
	$psql->pump until $out =~ /first/;
	$node->safe_psql('postgres', "BEGIN; SELECT medvec.drop_model('small'); ROLLBACK");
	$in .= "SELECT 'second', vector_dims(embed_image($image, 'small'));\n";
	$psql->pump until $out =~ /second/;
	$node->safe_psql('postgres', "SELECT medvec.drop_model('small')");
	$in .= "SELECT 'third', vector_dims(embed_image($image, 'small'));\n\\q\n";
	$psql->finish;
	like($err, qr/model "small" does not exist/, 'a dropped model is gone for other sessions at once');
}
is(failure("SELECT medvec.drop_model('small')"), '42704', 'dropped once');
is(failure("SELECT medvec.register_model('small', 'copy.pt')"), '42710', 'its name stays with its file and spec');
$node->safe_psql('postgres',
	"SELECT medvec.register_model('small', 'copy.pt', '{\"height\": 64, \"width\": 64, \"channels\": 1, \"mean\": [0.5], \"std\": [0.5], \"l2_normalize\": true}')");
is($node->safe_psql('postgres', "SELECT vector_dims(embed_image($image, 'small'))"), $dimensions, 'and comes back with them');

# Files that change or vanish.
append_to_file("$models/copy.pt", 'x');
my ($state, $message, $all) = failure("SELECT embed_image($image, 'mine')");
is($state, '55000', 'a changed file is refused');
like($all, qr/HINT: /, 'with a hint');
unlink "$models/copy.pt";
($state, undef, $all) = failure("SELECT embed_image($image, 'mine')");
is($state, '58P01', 'a missing file is refused');
like($all, qr/HINT: /, 'with a hint');
copy($bundled, "$models/copy.pt") or die $!;
is($node->safe_psql('postgres', "SELECT embed_image($image, 'mine') = embed_image($image)"), 't', 'and the right one serves again');

# Images.
is(failure("SELECT embed_image('hello')"), '22P03', 'not an image');
is(failure("SELECT image_info('')"), '22P03', 'nothing at all');
is(failure("SELECT embed_image(substr($image, 1, 60))"), '22P03', 'a truncated image');
is(failure("SELECT dicom_header($image)"), '0A000', 'the header of what is no DICOM file');
my $large = unpack 'H*', png(1200, 7);
is(failure("SELECT embed_image('\\x$large')", "SET medvec.max_image_megapixels = 1;\n"), '54000', 'too large for the setting');
is($node->safe_psql('postgres', "SELECT format, width, height, channels, bits, frames FROM image_info($image)"),
	'png|64|64|1|8|1', 'image_info');
is($node->safe_psql('postgres', "SELECT width, height FROM image_info(image_thumbnail('\\x$large', 32))"), '32|32', 'a thumbnail');
is(failure("SELECT image_thumbnail($image, 0)"), '22023', 'of no size');

is(failure("SELECT embed_image($image, 'mine', 2)"), '22023', 'a frame that is not there');
is($node->safe_psql('postgres', "SELECT embed_image($image, 'mine', 1) = embed_image($image, 'mine')"), 't', 'a PNG has one frame');

# Privileges.
$node->safe_psql('postgres', "CREATE ROLE reader; CREATE ROLE keeper; GRANT EXECUTE ON FUNCTION
	medvec.register_model(text, text, jsonb), medvec.drop_model(text) TO keeper");
my $reader = "SET ROLE reader;\n";
is(failure("SELECT medvec.register_model('r', 'copy.pt')", $reader), '42501', 'not everyone registers');
is(failure("SELECT medvec.drop_model('mine')", $reader), '42501', 'or drops');
is(failure("SELECT medvec.inspect_model('copy.pt')", $reader), '42501', 'or inspects');
is(failure("DELETE FROM medvec.model", $reader), '42501', 'or writes the table');
is($node->safe_psql('postgres', "SET ROLE reader; SELECT vector_dims(embed_image($image, 'mine'))"), $dimensions, 'everyone embeds');
is($node->safe_psql('postgres', "SET ROLE reader; SELECT count(*) > 1 FROM medvec.models"), 't', 'and sees the models');
is($node->safe_psql('postgres', "SET ROLE keeper; SELECT dimensions FROM medvec.register_model('kept', 'copy.pt')"),
	$dimensions, 'who was granted it registers');

# A generated column, and dump and restore.
$node->safe_psql('postgres', qq{
	CREATE TABLE picture (id int PRIMARY KEY, image bytea, embedding vector($dimensions) GENERATED ALWAYS AS (embed_image(image, 'kept')) STORED);
	INSERT INTO picture VALUES (1, $image), (2, NULL);
	CREATE TABLE missing (id int PRIMARY KEY, image bytea, embedding vector($dimensions))});
my $dump = $node->basedir . '/dump.sql';
command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], 'restore');
is($node->safe_psql('restored', "SELECT name FROM medvec.models ORDER BY name"), "kept\n$name\nmine\nsmall", 'models are dumped');
is($node->safe_psql('restored', "SELECT id, vector_dims(embedding) FROM picture ORDER BY id"), "1|$dimensions\n2|",
	'generated columns are made again');

# Bulk embedding: broken images are counted, not fatal; a second call does only what is left.
$node->safe_psql('postgres', qq{
	INSERT INTO missing SELECT i, CASE WHEN i % 10 = 0 THEN 'broken' ELSE $image END FROM generate_series(1, 100) AS i;
	INSERT INTO missing VALUES (101, NULL)});
is($node->safe_psql('postgres', "CALL medvec.embed_missing('missing', 'image', 'embedding', 'mine', 16)"), '90|10',
	'embed_missing: good and broken images');
is($node->safe_psql('postgres', "SELECT count(embedding) FROM missing"), '90', 'vectors are there');
is($node->safe_psql('postgres', "SELECT count(*) FROM missing WHERE CASE WHEN embedding IS NOT NULL THEN embedding <> embed_image(image, 'mine') END"), '0', 'the right ones');
$node->safe_psql('postgres', "INSERT INTO missing VALUES (102, $image)");
is($node->safe_psql('postgres', "CALL medvec.embed_missing('missing', 'image', 'embedding', 'mine')"), '1|10', 'a second call');
$node->safe_psql('postgres', qq{
	CREATE TABLE parted (id int, image bytea, embedding vector) PARTITION BY HASH (id);
	CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	INSERT INTO parted SELECT i, $image FROM generate_series(1, 40) AS i});
is($node->safe_psql('postgres', "CALL medvec.embed_missing('parted', 'image', 'embedding')"), '40|0', 'partitions');
is(failure("CALL medvec.embed_missing('missing', 'image', 'embedding', 'unknown')"), '42704', 'an unknown model is an error at once');
is(failure("CALL medvec.embed_missing('missing', 'nothing', 'embedding')"), '42703', 'so is an unknown column');

$node->stop;
done_testing();
