# The steps of test/clients/scenario with DBIx::Class.
use strict;
use warnings;

use DBD::Pg;
use DBIx::Class::Schema::Loader;

my ($ada, $bob) = ('ada@example.com', 'bob@example.com');

package Shop::Tag
{
	use base 'DBIx::Class::Core';
	__PACKAGE__->table('tag');
	__PACKAGE__->add_columns(id => { is_auto_increment => 1 }, 'name');
	__PACKAGE__->set_primary_key('id');
}

package Shop::OrderTag
{
	use base 'DBIx::Class::Core';
	__PACKAGE__->table('order_tag');
	__PACKAGE__->add_columns(id => { is_auto_increment => 1 }, 'order_id', 'tag_id');
	__PACKAGE__->set_primary_key('id');
	__PACKAGE__->belongs_to(tag => 'Shop::Tag', 'tag_id');
}

package Shop::CustomerTag
{
	use base 'DBIx::Class::Core';
	__PACKAGE__->table('customer_tag');
	__PACKAGE__->add_columns('customer_id', 'tag_id');
	__PACKAGE__->set_primary_key('customer_id', 'tag_id');
	__PACKAGE__->belongs_to(tag => 'Shop::Tag', 'tag_id');
}

package Shop::Order
{
	use base 'DBIx::Class::Core';
	__PACKAGE__->table('orders');
	__PACKAGE__->add_columns(id => { is_auto_increment => 1 }, 'customer_id', 'referrer_id', 'total', 'version');
	__PACKAGE__->set_primary_key('id');
	__PACKAGE__->has_many(links => 'Shop::OrderTag', 'order_id');
	__PACKAGE__->many_to_many(tags => 'links', 'tag');
}

package Shop::Customer
{
	use base 'DBIx::Class::Core';
	__PACKAGE__->table('customer');
	__PACKAGE__->add_columns(id => { is_auto_increment => 1 }, 'email', 'name');
	__PACKAGE__->set_primary_key('id');
	__PACKAGE__->add_unique_constraint(customer_email_key => ['email']);
	__PACKAGE__->has_many(orders => 'Shop::Order', 'customer_id');
	__PACKAGE__->has_many(links => 'Shop::CustomerTag', 'customer_id');
	__PACKAGE__->many_to_many(tags => 'links', 'tag');
}

Shop::Order->belongs_to(customer => 'Shop::Customer', 'customer_id');
Shop::Order->belongs_to(referrer => 'Shop::Customer', 'referrer_id', { join_type => 'left' });

package Shop
{
	use base 'DBIx::Class::Schema';
	__PACKAGE__->register_class($_ => "Shop::$_") for qw(Tag OrderTag CustomerTag Order Customer);
}

my $dsn = "dbi:Pg:dbname=$ENV{PGDATABASE}";
my %quiet = (AutoCommit => 1, PrintWarn => 0);
my $shop = Shop->connect($dsn, undef, undef, \%quiet);
my %rows = map { $_ => $shop->resultset($_) } $shop->sources;

sub describe
{
	my ($customer, $order) = @_;
	my @orders = map { $_->id } $customer->orders;
	my @tags = map { $_->name } $order->tags;
	my $referrer = $order->referrer;
	return join(',', @orders) . ' ' . join(',', @tags) . ' ' . ($referrer ? $referrer->name : '-');
}

sub take_off_and_put_on
{
	my ($owner, $name) = @_;
	my $tag = $rows{Tag}->find({ name => $name });
	$owner->remove_from_tags($tag);
	$owner->add_to_tags($tag);
	return;
}

my %steps = (
	version => sub { "DBIx::Class $DBIx::Class::VERSION, DBD::Pg $DBD::Pg::VERSION" },

	create => sub {
		$shop->txn_do(
			sub {
				my ($red, $blue) = map { $rows{Tag}->create({ name => $_ }) } qw(red blue);
				my $first = $rows{Customer}->create({ email => $ada, name => 'Ada', orders => [ { total => 100 }, { total => 50 } ] });
				my $second = $rows{Customer}->create({ email => $bob, name => 'Bob', orders => [ { total => 30 } ] });
				my @orders = $first->orders({}, { order_by => 'id' });
				$orders[0]->add_to_tags($_) for $red, $blue;
				$orders[1]->add_to_tags($red);
				$first->add_to_tags($red);
				$second->add_to_tags($blue);
			});
		return;
	},

	delete_one => sub { $rows{Order}->find(3)->delete; return },
	delete_many => sub { 0 + $rows{Order}->search({ total => { '<' => 60 } })->delete },
	delete_tree => sub { $rows{Customer}->find({ email => $ada })->delete; return },

	recreate => sub {
		$rows{Customer}->find({ email => $bob })->delete;
		$rows{Customer}->create({ email => $bob, name => 'Robert' });
		return;
	},

	upsert => sub {
		my %key = (key => 'customer_email_key');
		$rows{Customer}->update_or_create({ email => $ada, name => 'Ada L.' }, \%key);
		$rows{Customer}->update_or_create({ email => $bob, name => 'Robert' }, \%key);
		return;
	},

	get_or_create => sub {
		my @found;
		for my $email ($bob, $bob, $ada)
		{
			my $row = $rows{Customer}->find_or_new({ email => $email, name => 'New' }, { key => 'customer_email_key' });
			push @found, $row->in_storage ? 'found' : 'made';
			$row->insert unless $row->in_storage;
		}
		return "@found";
	},

	eager => sub {
		my $customer = $rows{Customer}->search({ 'me.id' => 1 }, { prefetch => 'orders' })->first;
		my $order = $rows{Order}->search({ 'me.id' => 1 }, { prefetch => [ 'referrer', { links => 'tag' } ] })->first;
		return describe($customer, $order);
	},
	lazy => sub { describe($rows{Customer}->find(1), $rows{Order}->find(1)) },

	# A look at a version is a condition.
	locking => sub {
		my ($first, $second) = map { $rows{Order}->find($_) } 1, 2;
		my $as = sub { $rows{Order}->search({ id => $_[0]->id, version => $_[0]->version }) };
		$as->($first)->delete;
		$as->($second)->update({ total => 51, version => \'version + 1' });
		my @counts = ($as->($first)->update({ total => 101 }), $as->($second)->delete);
		return join ' ', map { $_ == 0 ? 'stale' : 'done' } @counts;
	},

	savepoint => sub {
		my $guard = $shop->txn_scope_guard;
		$shop->svp_begin('before');
		$rows{Order}->find(1)->delete;
		$shop->svp_rollback('before');
		$rows{Order}->find(3)->delete;
		$guard->commit;
		return;
	},

	links => sub { take_off_and_put_on($rows{Order}->find(1), 'blue') },
	links_by_key => sub { take_off_and_put_on($rows{Customer}->find(1), 'red') },

	restore => sub {
		my ($count) = $shop->storage->dbh->selectrow_array(q{SELECT softdelete.restore('orders', ?)}, undef, 3);
		return $count . ' ' . $rows{Order}->find(3)->id;
	},

	# Schema::Loader makes classes of the database.
	dump => sub {
		my ($configured) = @_;
		my %options = (naming => 'current', $configured ? (exclude => qr/^(active|deleted|all)_/) : ());
		DBIx::Class::Schema::Loader->naming('current');
		my $name = 'Loaded' . int rand 1e6;
		DBIx::Class::Schema::Loader::make_schema_at($name, \%options, [ $dsn, undef, undef, \%quiet ]);
		my %sources = map { $name->source($_)->name => $name->source($_) } $name->sources;
		my %unique = $sources{customer}->unique_constraints;
		delete $unique{primary};
		return join(' ', sort keys %sources) . '|' . join ' ', map { @$_ } values %unique;
	},

	truncate => sub {
		my ($configured) = @_;
		my %hard = (on_connect_do => "SET softdelete.deletion = 'hard'");
		my $tests = Shop->connect({ dsn => $dsn, %quiet, $configured ? %hard : () });
		$tests->resultset($_)->delete_all for qw(OrderTag CustomerTag Order Customer Tag);
		return;
	});

$| = 1;
while (my $line = <STDIN>)
{
	my ($step, $configured) = split ' ', $line;
	my $answer = 'none';
	if ($steps{$step})
	{
		$answer = eval { 'ok ' . ($steps{$step}->($configured) // '') }
			// 'failed: ' . (split /\n/, $@)[0];
	}
	$answer =~ s/\s+$//;
	print "$step: $answer\n";
}
