<?php

// The steps of test/clients/scenario with Doctrine ORM.

require '/usr/share/php/Doctrine/ORM/autoload.php';
require '../main.php';

use Doctrine\Common\Collections\ArrayCollection;
use Doctrine\Common\Collections\Collection;
use Doctrine\DBAL\DriverManager;
use Doctrine\DBAL\LockMode;
use Doctrine\DBAL\Schema\AbstractAsset;
use Doctrine\ORM\Configuration;
use Doctrine\ORM\EntityManager;
use Doctrine\ORM\EntityNotFoundException;
use Doctrine\ORM\Mapping as ORM;
use Doctrine\ORM\Mapping\Driver\AttributeDriver;
use Doctrine\ORM\OptimisticLockException;
use Doctrine\ORM\Tools\Event\GenerateSchemaEventArgs;
use Doctrine\ORM\Tools\SchemaTool;

#[ORM\Entity]
#[ORM\Table(name: 'tag')]
class Tag
{
    #[ORM\Id, ORM\Column(type: 'bigint'), ORM\GeneratedValue(strategy: 'IDENTITY')]
    public $id;

    #[ORM\Column(type: 'text', unique: true)]
    public string $name;
}

#[ORM\Entity]
#[ORM\Table(name: 'customer')]
class Customer
{
    #[ORM\Id, ORM\Column(type: 'bigint'), ORM\GeneratedValue(strategy: 'IDENTITY')]
    public $id;

    #[ORM\Column(type: 'text', unique: true)]
    public string $email;

    #[ORM\Column(type: 'text')]
    public string $name;

    #[ORM\OneToMany(targetEntity: Purchase::class, mappedBy: 'customer', cascade: ['persist', 'remove'])]
    public Collection $orders;

    #[ORM\ManyToMany(targetEntity: Tag::class)]
    #[ORM\JoinTable(name: 'customer_tag')]
    public Collection $tags;

    public function __construct(string $email, string $name, float ...$totals)
    {
        [$this->email, $this->name] = [$email, $name];
        $this->tags = new ArrayCollection();
        $this->orders = new ArrayCollection(array_map(fn ($total) => new Purchase($this, $total), $totals));
    }
}

#[ORM\Entity]
#[ORM\Table(name: 'orders')]
class Purchase
{
    #[ORM\Id, ORM\Column(type: 'bigint'), ORM\GeneratedValue(strategy: 'IDENTITY')]
    public $id;

    #[ORM\ManyToOne(targetEntity: Customer::class, inversedBy: 'orders')]
    #[ORM\JoinColumn(nullable: false, onDelete: 'CASCADE')]
    public Customer $customer;

    #[ORM\ManyToOne(targetEntity: Customer::class)]
    #[ORM\JoinColumn(nullable: true, onDelete: 'SET NULL')]
    public ?Customer $referrer = null;

    #[ORM\Column(type: 'decimal', precision: 10, scale: 2)]
    public $total;

    #[ORM\Version, ORM\Column(type: 'integer')]
    public int $version;

    #[ORM\OneToMany(targetEntity: OrderTag::class, mappedBy: 'order', cascade: ['persist', 'remove'])]
    public Collection $links;

    public function __construct(Customer $customer, float $total)
    {
        [$this->customer, $this->total] = [$customer, $total];
        $this->links = new ArrayCollection();
    }
}

#[ORM\Entity]
#[ORM\Table(name: 'order_tag')]
#[ORM\UniqueConstraint(columns: ['order_id', 'tag_id'])]
class OrderTag
{
    #[ORM\Id, ORM\Column(type: 'bigint'), ORM\GeneratedValue(strategy: 'IDENTITY')]
    public $id;

    #[ORM\ManyToOne(targetEntity: Purchase::class, inversedBy: 'links')]
    #[ORM\JoinColumn(nullable: false, onDelete: 'CASCADE')]
    public Purchase $order;

    #[ORM\ManyToOne(targetEntity: Tag::class)]
    #[ORM\JoinColumn(nullable: false, onDelete: 'CASCADE')]
    public Tag $tag;

    public function __construct(Purchase $order, Tag $tag)
    {
        [$this->order, $this->tag] = [$order, $tag];
    }
}

function manager(bool $configured = false): EntityManager
{
    $configuration = new Configuration();
    $configuration->setMetadataDriverImpl(new AttributeDriver([__DIR__]));
    $configuration->setProxyDir(getenv('WORK'));
    $configuration->setProxyNamespace('Proxies');
    if ($configured) {
        $name = fn ($asset) => $asset instanceof AbstractAsset ? $asset->getName() : $asset;
        $configuration->setSchemaAssetsFilter(fn ($asset) => !str_starts_with($name($asset), 'softdelete'));
    }
    $connection = DriverManager::getConnection([
        'driver' => 'pdo_pgsql',
        'host' => getenv('PGHOST'),
        'port' => getenv('PGPORT'),
        'user' => getenv('PGUSER'),
        'dbname' => getenv('PGDATABASE'),
    ], $configuration);

    return new EntityManager($connection, $configuration);
}

// For the event postGenerateSchema: takes over what softdelete has added to each table, and the indexes that it made partial.
class AddedBySoftdelete
{
    public function postGenerateSchema(GenerateSchemaEventArgs $event): void
    {
        $database = $event->getEntityManager()->getConnection()->createSchemaManager();
        foreach ($event->getSchema()->getTables() as $table) {
            $found = $database->introspectTable($table->getName());
            foreach (array_diff_key($found->getColumns(), $table->getColumns()) as $column) {
                $options = ['notnull' => false, 'comment' => $column->getComment()];
                $table->addColumn($column->getName(), $column->getType()->getName(), $options);
            }
            foreach (array_filter($found->getIndexes(), fn ($index) => $index->hasOption('where')) as $index) {
                if ($table->hasIndex($index->getName())) {
                    $table->dropIndex($index->getName());
                }
                $add = $index->isUnique() ? 'addUniqueIndex' : 'addIndex';
                $arguments = $index->isUnique() ? [] : [[]];
                $table->$add($index->getColumns(), $index->getName(), ...[...$arguments, ['where' => $index->getOption('where')]]);
            }
        }
    }
}

function find(EntityManager $manager, string $class, int $id): object
{
    return $manager->find($class, $id) ?? throw new EntityNotFoundException("no $class $id");
}

function by_email(EntityManager $manager, string $email): Customer
{
    return $manager->getRepository(Customer::class)->findOneBy(['email' => $email]);
}

function describe(Customer $ada, Purchase $order, ?string $referrer): string
{
    $orders = $ada->orders->map(fn ($each) => $each->id)->toArray();
    $tags = $order->links->map(fn ($link) => $link->tag->name)->toArray();

    return implode(',', $orders) . ' ' . implode(',', $tags) . ' ' . ($referrer ?? '-');
}

main([
    'version' => fn () => 'Doctrine ORM ' . version_of('php-doctrine-orm') . ', DBAL ' . version_of('php-doctrine-dbal'),

    'schema' => function () {
        $manager = manager();
        (new SchemaTool($manager))->createSchema($manager->getMetadataFactory()->getAllMetadata());
    },

    'create' => function () {
        $manager = manager();
        [$red, $blue] = [new Tag(), new Tag()];
        [$red->name, $blue->name] = ['red', 'blue'];
        [$ada, $bob] = [new Customer(ADA, 'Ada', 100, 50), new Customer(BOB, 'Bob', 30)];
        $ada->tags->add($red);
        $bob->tags->add($blue);
        [$first, $second] = $ada->orders->toArray();
        $first->links->add(new OrderTag($first, $red));
        $first->links->add(new OrderTag($first, $blue));
        $second->links->add(new OrderTag($second, $red));
        array_map([$manager, 'persist'], [$red, $blue, $ada, $bob]);
        $manager->flush();
    },

    'delete_one' => function () {
        $manager = manager();
        $manager->remove(find($manager, Purchase::class, 3));
        $manager->flush();
    },

    'delete_many' => fn () => manager()->createQuery('DELETE Purchase o WHERE o.total < 60')->execute(),

    'delete_tree' => function () {
        $manager = manager();
        $manager->remove(by_email($manager, ADA));
        $manager->flush();
    },

    'recreate' => function () {
        $manager = manager();
        $manager->remove(by_email($manager, BOB));
        $manager->flush();
        $manager->persist(new Customer(BOB, 'Robert'));
        $manager->flush();
    },

    'eager' => function () {
        $manager = manager();
        $ada = $manager->createQuery('SELECT c, o FROM Customer c LEFT JOIN c.orders o WHERE c.id = 1')->getSingleResult();
        $dql = 'SELECT o, l, t, r FROM Purchase o LEFT JOIN o.links l LEFT JOIN l.tag t LEFT JOIN o.referrer r WHERE o.id = 1';
        $order = manager()->createQuery($dql)->getSingleResult();

        return describe($ada, $order, $order->referrer?->name);
    },

    // A proxy of a deleted row says that there is none.
    'lazy' => function () {
        $manager = manager();
        [$ada, $order] = [find($manager, Customer::class, 1), find($manager, Purchase::class, 1)];
        try {
            $referrer = $order->referrer->name;
        } catch (EntityNotFoundException) {
            $referrer = null;
        }

        return describe($ada, $order, $referrer);
    },

    'locking' => function () {
        [$mine, $other] = [manager(), manager()];
        [$first, $second] = [find($mine, Purchase::class, 1), find(manager(), Purchase::class, 2)];
        $other->remove(find($other, Purchase::class, 1));
        find($other, Purchase::class, 2)->total = 51;
        $other->flush();
        $outcome = function (callable $action) {
            try {
                $action();

                return 'done';
            } catch (OptimisticLockException) {
                return 'stale';
            }
        };
        $first->total = 101;
        $saved = $outcome(fn () => $mine->flush());
        $third = manager();
        $deleted = $outcome(fn () => $third->find(Purchase::class, 2, LockMode::OPTIMISTIC, $second->version));

        return "$saved $deleted";
    },

    'savepoint' => function () {
        $manager = manager();
        $connection = $manager->getConnection();
        $connection->setNestTransactionsWithSavepoints(true);
        $connection->beginTransaction();
        $connection->beginTransaction();
        $manager->remove(find($manager, Purchase::class, 1));
        $manager->flush();
        $connection->rollBack();
        $manager->clear();
        $manager->remove(find($manager, Purchase::class, 3));
        $manager->flush();
        $connection->commit();
    },

    'links' => function () {
        $manager = manager();
        $order = find($manager, Purchase::class, 1);
        [$link] = $order->links->filter(fn ($link) => $link->tag->name === 'blue')->getValues();
        $manager->remove($link);
        $manager->flush();
        $manager->persist(new OrderTag($order, $link->tag));
        $manager->flush();
    },

    'links_by_key' => function () {
        $manager = manager();
        $ada = find($manager, Customer::class, 1);
        $red = $ada->tags->first();
        $ada->tags->removeElement($red);
        $manager->flush();
        $ada->tags->add($red);
        $manager->flush();
    },

    'restore' => function () {
        $manager = manager();
        $count = $manager->getConnection()->fetchOne("SELECT softdelete.restore('orders', ?)", [3]);

        return $count . ' ' . find($manager, Purchase::class, 3)->id;
    },

    'dump' => function (bool $configured) {
        $database = manager($configured)->getConnection()->createSchemaManager();
        $tables = $database->listTableNames();
        sort($tables);
        $unique = array_filter($database->listTableIndexes('customer'), fn ($index) => $index->isUnique() && !$index->isPrimary());
        $columns = array_merge(...array_values(array_map(fn ($index) => $index->getColumns(), $unique)));

        return implode(' ', $tables) . '|' . implode(' ', $columns);
    },

    'migration' => function (bool $configured) {
        $manager = manager($configured);
        if ($configured) {
            $manager->getEventManager()->addEventListener('postGenerateSchema', new AddedBySoftdelete());
        }
        $sql = (new SchemaTool($manager))->getUpdateSchemaSql($manager->getMetadataFactory()->getAllMetadata());

        return implode('; ', $sql) ?: 'empty';
    },

    // TRUNCATE, as ORMPurger does in its mode for that.
    'truncate' => function (bool $configured) {
        $connection = manager()->getConnection();
        if ($configured) {
            $connection->executeStatement("SET softdelete.deletion = 'hard'");
        }
        foreach (['order_tag', 'customer_tag', 'orders', 'customer', 'tag'] as $table) {
            $connection->executeStatement($connection->getDatabasePlatform()->getTruncateTableSQL($table, true));
        }
    },
]);
