<?php

// The steps of test/clients/scenario with Laravel's Eloquent.

require '/usr/share/php/Illuminate/Database/autoload.php';
require '../main.php';

use Illuminate\Database\Capsule\Manager as Capsule;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\SoftDeletes;
use Illuminate\Database\Schema\Blueprint;

function connect(string $name): void
{
    global $capsule;
    $capsule->addConnection([
        'driver' => 'pgsql',
        'host' => getenv('PGHOST'),
        'port' => getenv('PGPORT'),
        'database' => getenv('PGDATABASE'),
        'username' => getenv('PGUSER'),
    ], $name);
}

$capsule = new Capsule();
connect('default');
$capsule->setAsGlobal();
$capsule->bootEloquent();

abstract class Row extends Model
{
    public $timestamps = false;
    protected $guarded = [];
}

class Tag extends Row
{
    protected $table = 'tag';
}

class Order extends Row
{
    public function referrer()
    {
        return $this->belongsTo(Customer::class, 'referrer_id');
    }

    public function tags()
    {
        return $this->belongsToMany(Tag::class, 'order_tag');
    }
}

class Customer extends Row
{
    protected $table = 'customer';

    public function orders()
    {
        return $this->hasMany(Order::class);
    }

    public function tags()
    {
        return $this->belongsToMany(Tag::class, 'customer_tag');
    }
}

// The same table with Laravel's own soft delete.
class Paranoid extends Row
{
    use SoftDeletes;

    protected $table = 'customer';
}

function names($rows): string
{
    return $rows->pluck('name')->join(',');
}

function describe(Customer $ada, Order $order): string
{
    return $ada->orders->pluck('id')->join(',') . ' ' . names($order->tags) . ' ' . ($order->referrer->name ?? '-');
}

function take_off_and_put_on(Model $owner, string $name): void
{
    $tag = Tag::where('name', $name)->firstOrFail();
    $owner->tags()->detach($tag);
    $owner->tags()->attach($tag);
}

main([
    'version' => fn () => 'Eloquent ' . version_of('php-illuminate-database') . ', PHP ' . PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION,

    'schema' => function () {
        $schema = Capsule::schema();
        $schema->create('customer', function (Blueprint $table) {
            $table->id();
            $table->text('email')->unique();
            $table->text('name');
        });
        $schema->create('tag', function (Blueprint $table) {
            $table->id();
            $table->text('name')->unique();
        });
        $schema->create('orders', function (Blueprint $table) {
            $table->id();
            $table->foreignId('customer_id')->index()->constrained('customer')->cascadeOnDelete();
            $table->foreignId('referrer_id')->nullable()->index()->constrained('customer')->nullOnDelete();
            $table->decimal('total', 10, 2);
            $table->integer('version')->default(1);
        });
        $schema->create('order_tag', function (Blueprint $table) {
            $table->id();
            $table->foreignId('order_id')->constrained('orders')->cascadeOnDelete();
            $table->foreignId('tag_id')->index()->constrained('tag')->cascadeOnDelete();
            $table->unique(['order_id', 'tag_id']);
        });
        $schema->create('customer_tag', function (Blueprint $table) {
            $table->foreignId('customer_id')->constrained('customer')->cascadeOnDelete();
            $table->foreignId('tag_id')->index()->constrained('tag')->cascadeOnDelete();
            $table->primary(['customer_id', 'tag_id']);
        });
    },

    'create' => fn () => Capsule::connection()->transaction(function () {
        [$red, $blue] = [Tag::create(['name' => 'red']), Tag::create(['name' => 'blue'])];
        $ada = Customer::create(['email' => ADA, 'name' => 'Ada']);
        $bob = Customer::create(['email' => BOB, 'name' => 'Bob']);
        [$first, $second] = $ada->orders()->createMany([['total' => 100], ['total' => 50]])->all();
        $bob->orders()->create(['total' => 30]);
        $first->tags()->attach([$red->id, $blue->id]);
        $second->tags()->attach($red);
        $ada->tags()->attach($red);
        $bob->tags()->attach($blue);
    }),

    'delete_one' => function () {
        Order::findOrFail(3)->delete();
    },

    'delete_many' => fn () => Order::where('total', '<', 60)->delete(),

    'delete_tree' => function () {
        Customer::where('email', ADA)->firstOrFail()->delete();
    },

    'recreate' => function () {
        Customer::where('email', BOB)->firstOrFail()->delete();
        Customer::create(['email' => BOB, 'name' => 'Robert']);
    },

    'upsert' => function () {
        Customer::upsert([['email' => ADA, 'name' => 'Ada L.'], ['email' => BOB, 'name' => 'Robert']], ['email'], ['name']);
    },

    'get_or_create' => fn () => implode(' ', array_map(
        fn ($email) => Customer::firstOrCreate(['email' => $email], ['name' => 'New'])->wasRecentlyCreated ? 'made' : 'found',
        [BOB, BOB, ADA]
    )),

    'eager' => fn () => describe(Customer::with('orders')->find(1), Order::with('tags', 'referrer')->find(1)),
    'lazy' => fn () => describe(Customer::find(1), Order::find(1)),

    // A look at a version is a condition.
    'locking' => function () {
        [$first, $second] = [Order::find(1), Order::find(2)];
        $as = fn (Order $order) => Order::where('id', $order->id)->where('version', $order->version);
        $as($first)->delete();
        $as($second)->increment('version', 1, ['total' => 51]);
        $counts = [$as($first)->increment('version', 1, ['total' => 101]), $as($second)->delete()];

        return implode(' ', array_map(fn ($count) => $count === 0 ? 'stale' : 'done', $counts));
    },

    'savepoint' => function () {
        $connection = Capsule::connection();
        $connection->beginTransaction();
        $connection->beginTransaction();
        Order::find(1)->delete();
        $connection->rollBack();
        Order::find(3)->delete();
        $connection->commit();
    },

    'links' => fn () => take_off_and_put_on(Order::find(1), 'blue'),
    'links_by_key' => fn () => take_off_and_put_on(Customer::find(1), 'red'),

    'restore' => function () {
        $row = Capsule::selectOne("SELECT softdelete.restore('orders', ?) AS count", [3]);

        return $row->count . ' ' . Order::findOrFail(3)->id;
    },

    'own_soft_delete' => function () {
        $bob = Paranoid::where('email', BOB)->firstOrFail();
        $bob->delete();
        $live = names(Paranoid::orderBy('id')->get());
        $all = names(Paranoid::withTrashed()->orderBy('id')->get());
        $bob->restore();

        return "$live|$all|" . names(Paranoid::orderBy('id')->get());
    },

    // TRUNCATE, as the trait DatabaseTruncation of newer versions does.
    'truncate' => function (bool $configured) {
        connect('tests');
        $tests = Capsule::connection('tests');
        if ($configured) {
            $tests->statement("SET softdelete.deletion = 'hard'");
        }
        foreach (['order_tag', 'customer_tag', 'orders', 'customer', 'tag'] as $table) {
            $tests->table($table)->truncate();
        }
    },
]);
