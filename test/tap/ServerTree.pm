# A copy of the server's tree, in which tests install what must not come into the real one.
package ServerTree;
use strict;
use warnings;
use PostgreSQL::Test::Utils;

# A hash: root, the folder that stands for /; server, the installation in it; extensions and libraries, where extensions lie. It
# holds what is installed, less any extension named vector; with pgvector => 1, the pgvector of MEDVEC_PGVECTOR.
sub copy
{
	my (%options) = @_;
	my $root = PostgreSQL::Test::Utils::tempdir();
	my ($bin, $share, $lib) = map { chomp(my $dir = `pg_config --$_`); $dir } qw(bindir sharedir pkglibdir);
	my $server = $bin =~ s{/bin$}{}r;
	for my $dir ($server, $share)
	{
		PostgreSQL::Test::Utils::system_or_bail('mkdir', '-p', "$root$dir");
		PostgreSQL::Test::Utils::system_or_bail('cp', '-r', "$dir/.", "$root$dir");
	}
	my $tree = { root => $root, server => "$root$server", extensions => "$root$share/extension", libraries => "$root$lib" };
	remove_vector($tree);
	add_pgvector($tree) if $options{pgvector};
	return $tree;
}

sub vector_files
{
	my ($tree) = @_;
	return sort glob("$tree->{extensions}/vector.control $tree->{extensions}/vector--* $tree->{libraries}/vector.*");
}

sub remove_vector
{
	my ($tree) = @_;
	unlink vector_files($tree);
}

sub add_pgvector
{
	my ($tree) = @_;
	PostgreSQL::Test::Utils::system_or_bail('cp', '-r', "$ENV{MEDVEC_PGVECTOR}/.", $tree->{root});
}

1;
