# Mutated text and binary forms of every type through a server: what is no value of the type is refused with an SQLSTATE
# that its documentation names and without a word of the vector, what is taken is a value like any other, and the server
# stays up. test/fuzz does the same to the parsers, faster and nearer.
#
# MEDVEC_SEED sets another seed than the fixed one.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{MEDVEC_SEED} // 4;
srand($seed);
note("MEDVEC_SEED=$seed");

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# Refusals by the thousand are no news; the end of a server process would be.
$node->append_conf('postgresql.conf', "log_statement = none\nlog_min_messages = log\nlog_min_error_statement = panic\nfsync = off");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION medvec');

sub pick { return $_[ rand @_ ] }

# Embeddings are personal data. These numbers are known by their decimals in an error text.
sub number { return sprintf(pick('%.4f', '%.5f', '%.4e'), (rand(2) - 1) * 10**int(rand(4))) }

# --- Text ---

my @numbers = qw(0 -0 1 1. .5 1e5 +3 0x1.8p3 1e-46 -1e-46 1e-45 3.4028235e38 3.4028236e38 4e38 -1e999999999999 65504 65519.9 65520 6e-8
	NaN nan(x) inf -Infinity 2147483647 2147483648 -2147483648 9999999999999999999999);
my @tokens = (@numbers, ',', ':', '/', '[', ']', '{', '}', '}/', '-', '+', '.', 'e', '0x', ' ', "\t", "\n", "\x0b", "\\", '"', "'", '%s',
	'%n', "\x{e9}", "\x{1f642}", '1' x 50, '0' x 70, 'x', '10110');

# Forms of about the dimensions that the type wants, or of any.
sub dense
{
	my ($dim) = @_;
	$dim = 1 + int rand 6 if !$dim || rand() < 0.1;
	return '[' . join(pick(',', ', '), map { rand() < 0.8 ? number() : pick(@numbers) } 1 .. $dim) . ']';
}
sub sparse
{
	my ($dim) = @_;
	$dim = 3 + int rand 40 if !$dim || rand() < 0.1;
	my %elements = map { (1 + int rand $dim) => (rand() < 0.8 ? number() : pick(@numbers)) } 1 .. rand 6;
	return '{' . join(',', map { "$_:$elements{$_}" } sort keys %elements) . "}/$dim";
}
sub bits { return pick('', '', 'B', 'X', 'x') . join('', map { int rand 2 } 1 .. 1 + rand 20) }

# Cuts, doubles, exchanges or adds a piece, up to four times.
sub mutated
{
	my ($form, @pieces) = @_;
	for (1 .. rand 5)
	{
		my ($at, $length) = (int rand 1 + length $form, int rand 4);
		my $what = rand;
		if ($what < 0.25) { substr($form, $at, $length) = '' if $at + $length <= length $form }
		elsif ($what < 0.35) { $form = substr($form, 0, $at) }
		elsif ($what < 0.5) { substr($form, $at, 0) = substr($form, rand 1 + length $form, rand 12) // '' }
		elsif ($what < 0.75) { substr($form, $at, 0) = pick(@pieces) }
		elsif ($at + $length <= length $form) { substr($form, $at, $length) = pick(@pieces) }
	}
	return $form;
}

my %dense_states = map { $_ => 1 } qw(22P02 22003 22000 54000);
my %bit_states = map { $_ => 1 } qw(22P02 22026 54000);
my %text_types = (
	'vector' => [ \&dense, \%dense_states ],
	'vector(3)' => [ \&dense, \%dense_states ],
	'halfvec' => [ \&dense, \%dense_states ],
	'halfvec(3)' => [ \&dense, \%dense_states ],
	'sparsevec' => [ \&sparse, \%dense_states ],
	'sparsevec(7)' => [ \&sparse, \%dense_states ],
	'varbit' => [ \&bits, \%bit_states ],
	'varbit(9)' => [ \&bits, \%bit_states ]);

my $file = $node->basedir . '/texts';
open my $texts, '>:encoding(UTF-8)', $file or die $!;
for my $type (sort keys %text_types)
{
	for (1 .. 1200)
	{
		my $text = mutated($text_types{$type}[0]->($type =~ /(\d+)/), @tokens);
		$text =~ s/\\/\\\\/g;
		$text =~ s/\n/\\n/g;
		$text =~ s/\t/\\t/g;
		print $texts "$type\t$text\n";
	}
}
# The limits.
print $texts "vector\t[" . join(',', (0) x $_) . "]\n" for 32767, 32768;
print $texts "halfvec\t[" . join(',', (0) x $_) . "]\n" for 32767, 32768;
print $texts "sparsevec\t{" . join(',', map { "$_:1" } 1 .. $_) . "}/20000\n" for 16000, 16001;
print $texts "vector\t" . ('[' x 1000000) . "\n";
print $texts "halfvec\t[" . ('1' x 1000000) . "]\n";
print $texts "sparsevec\t{" . (',' x 1000000) . "\n";
close $texts;

$node->safe_psql('postgres', qq{
	CREATE TABLE text_form (type text, input text);
	\\copy text_form FROM '$file'
	CREATE TABLE text_result (type text, input text, state text, message text, same bool);
	DO \$\$
	DECLARE
		form text_form;
		state text; message text; detail text; hint text;
		same bool;
		base text;
	BEGIN
		FOR form IN SELECT * FROM text_form LOOP
			state := ''; message := NULL; same := NULL;
			base := split_part(form.type, '(', 1);
			BEGIN
				EXECUTE format('SELECT %1\$s_send(x) = %1\$s_send(x::text::%2\$s) AND x = x::text::%2\$s FROM (SELECT \$1::%2\$s AS x) q', base, form.type)
					INTO same USING form.input;
			EXCEPTION WHEN OTHERS THEN
				GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
				message := concat_ws(' ', message, detail, hint);
			END;
			INSERT INTO text_result VALUES (form.type, form.input, state, message, same);
		END LOOP;
	END \$\$});

for my $type (sort keys %text_types)
{
	my %counts = map { split /=/ } split /\n/,
	  $node->safe_psql('postgres', "SELECT format('%s=%s', state, count(*)) FROM text_result WHERE type = '$type' GROUP BY state");
	my $taken = delete $counts{''} // 0;
	my $refused = 0;
	$refused += $_ for values %counts;
	cmp_ok($taken, '>', 100, "$type: $taken texts taken");
	cmp_ok($refused, '>', 100, "$type: $refused refused: " . join(', ', map { "$_ $counts{$_} times" } sort keys %counts));
	is(join(' ', grep { !$text_types{$type}[1]{$_} } sort keys %counts), '', "$type: with the SQLSTATEs of the documentation alone");
}
is($node->safe_psql('postgres', 'SELECT * FROM text_result WHERE same IS FALSE'), '', 'what was taken reads back as the same');
is($node->safe_psql('postgres', q{
	SELECT type, state, message FROM text_result
		WHERE type !~ 'bit' AND (SELECT count(*) FROM regexp_matches(message, '\d\.\d{4}', 'g')) > (state = '22003')::int}),
	'', 'no error text tells a number but one that is out of range');
is($node->safe_psql('postgres', q{SELECT state, type, count(*) FROM text_result WHERE length(input) > 60000 GROUP BY 1, 2 ORDER BY 1, 2}),
	join("\n", '|halfvec|1', '|sparsevec|1', '|vector|1', '22003|halfvec|1', '22P02|vector|1', '54000|halfvec|1', '54000|sparsevec|2', '54000|vector|1'),
	'long texts are judged by the limits');

# --- Binary ---

sub float32 { return pack 'f>', rand() < 0.9 ? (rand(2) - 1) * 10**int(rand(9) - 4) : pick(0, 3e38, 1e-45, 9**9**9, -9**9**9, -sin(9**9**9)) }
sub binary16 { return pack 'n', rand() < 0.9 ? int rand(0x7c00) | pick(0, 0x8000) : pick(0, 0x8000, 0x7c00, 0xfc00, 0x7e00, 0x7bff) }
sub dense_wire
{
	my ($element, $dim) = @_;
	$dim = 1 + int rand 8 if !$dim || rand() < 0.1;
	return pack('n n', $dim, 0) . join('', map { $element->() } 1 .. $dim);
}
sub sparse_wire
{
	my ($dim) = @_;
	$dim = 3 + int rand 20 if !$dim || rand() < 0.1;
	my %elements = map { (int rand $dim) => float32() } 1 .. rand 5;
	my @indices = sort { $a <=> $b } keys %elements;
	return pack('N*', $dim, scalar @indices, 0, @indices) . join('', @elements{@indices});
}
sub bits_wire
{
	my $length = int rand 20;
	return pack('N', $length) . join('', map { chr rand 256 } 1 .. ($length + 7) / 8);
}

my %wire_types = (
	'vector' => sub { dense_wire(\&float32, @_) },
	'vector(3)' => sub { dense_wire(\&float32, @_) },
	'halfvec' => sub { dense_wire(\&binary16, @_) },
	'halfvec(3)' => sub { dense_wire(\&binary16, @_) },
	'sparsevec' => \&sparse_wire,
	'sparsevec(7)' => \&sparse_wire,
	'varbit' => \&bits_wire);
my @words = map { pack 'N', $_ } 0, 1, 2, 3, 7, 16000, 16001, 32767, 1000000000, 1000000001, 0x7fffffff, 0x80000000, 0xffffffff, 0x7f800000, 0x7fc00000;
my @pieces = (@words, (map { substr $_, 2 } @words), "\0", "\xff", "\x80", "\x7f");
my %wire_states = map { $_ => 1 } qw(22000 22P03 54000 08P01);
my %file_states = (%wire_states, '22P04' => 1);

my $head = "PGCOPY\n\xff\r\n\0" . pack('N N', 0, 0);
my $directory = $node->basedir . '/wire';
mkdir $directory or die $!;
my (@cases, $script);
for my $type (sort keys %wire_types)
{
	(my $table = "wire_$type") =~ s/\W+/_/g;
	$node->safe_psql('postgres', "CREATE TABLE $table (v $type, n int DEFAULT current_setting('medvec_test.n')::int)");
	for (1 .. 500)
	{
		my $wire = mutated($wire_types{$type}->($type =~ /(\d+)/), @pieces);
		my $tuple = pack('n N', 1, length $wire) . $wire . pack('n', 0xffff);
		my $whole_file = rand() < 0.1;    # the mutation is of what is around the value too
		$tuple = mutated($tuple, grep { length $_ < 4 || $_ lt "\x02" } @pieces) if $whole_file;
		my $n = @cases;
		open my $out, '>:raw', "$directory/$n" or die $!;
		print $out $head . $tuple;
		close $out;
		push @cases, { type => $type, table => $table, wire => $wire, whole_file => $whole_file };
		$script .= "\\warn case $n\nSET medvec_test.n = $n;\n\\copy $table (v) FROM '$directory/$n' (FORMAT binary)\n";
	}
}
my ($status, undef, $stderr) = $node->psql('postgres', "\\set VERBOSITY verbose\n$script", on_error_stop => 0);
is($status, 0, 'the session lives through all binary forms');

my (%counts, @told);
for (split /^case /m, $stderr)
{
	my ($n, $report) = /^(\d+)\n(.*)/s or next;
	next if $report eq '';
	my $case = $cases[$n];
	my ($state) = $report =~ /ERROR:  ([0-9A-Z]{5}): /;
	$case->{state} = $state // "unreadable: $report";
	$counts{ $case->{type} }{ $case->{state} }++;
	$report =~ s/^CONTEXT:.*//sm;
	push @told, $report if $report =~ /\d\.\d{3}/;
	push @{ $case->{surprise} }, $report
	  unless ($case->{whole_file} ? \%file_states : \%wire_states)->{ $case->{state} };
}
is(join("\n", @told), '', 'no error text tells a number');
for my $type (sort keys %wire_types)
{
	my @of_type = grep { $_->{type} eq $type } @cases;
	my ($table) = $of_type[0]{table};
	(my $base = $type) =~ s/\W.*//;
	my @taken = grep { !$_->{state} } @of_type;
	cmp_ok(scalar @taken, '>', 50, "$type: " . @taken . ' binary forms taken');
	cmp_ok(@of_type - @taken, '>', 50, "$type: refused: " . join(', ', map { "$_ $counts{$type}{$_} times" } sort keys %{ $counts{$type} }));
	is(join("\n", map { @{ $_->{surprise} // [] } } @of_type), '', "$type: with the SQLSTATEs of the documentation alone");
	# A value has one binary form, so what was taken as one is sent as it came. (Of bits, the filling may differ.)
	my %sent = map { split /\|/ } split /\n/, $node->safe_psql('postgres', "SELECT n, encode(${base}_send(v), 'hex') FROM $table WHERE v IS NOT NULL");
	my @others = grep { !$_->{whole_file} && !$_->{state} && $sent{ $_->{n} } ne unpack('H*', $_->{wire}) }
	  map { { %{ $cases[$_] }, n => $_ } } grep { $cases[$_]{type} eq $type } 0 .. $#cases;
	is(scalar @others, 0, "$type: what was taken is sent as it came") unless $base eq 'varbit';
	is($node->safe_psql('postgres', "SELECT count(*) FROM $table WHERE v::text::$type <> v OR ${base}_send(v::text::$type) <> ${base}_send(v)"),
		'0', "$type: and reads back from text as the same");
}

# What was taken serves: distances of all pairs have a value and a symmetric one.
for my $table (qw(wire_vector_3_ wire_halfvec_3_ wire_sparsevec_7_))
{
	is($node->safe_psql('postgres', qq{
		SELECT count(*) FROM $table a, $table b
			WHERE (a.v <-> b.v) = 'NaN' OR (a.v <#> b.v) = 'NaN' OR (a.v <+> b.v) = 'NaN' OR (a.v <=> b.v) NOT IN ('NaN') AND (a.v <=> b.v) NOT BETWEEN 0 AND 2
				OR (a.v <-> b.v) <> (b.v <-> a.v) OR (a.v <#> b.v) <> (b.v <#> a.v) OR (a.v <=> b.v) <> (b.v <=> a.v) OR (a.v <+> b.v) <> (b.v <+> a.v)
				OR (a.v < b.v)::int + (a.v = b.v)::int + (a.v > b.v)::int <> 1}),
		'0', "$table: distances and order of what was taken");
}

is($node->safe_psql('postgres', 'SELECT pg_is_in_recovery()'), 'f', 'the server is up');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP|reinitializing/, 'and was all the time');
$node->stop;
done_testing();
