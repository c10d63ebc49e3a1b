// The steps of test/clients/scenario with GORM and pgx.
package main

import (
	"bufio"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v4/stdlib"
	"github.com/jinzhu/gorm"
)

const (
	adasEmail = "ada@example.com"
	bobsEmail = "bob@example.com"
)

type Tag struct {
	ID   int64
	Name string
}

func (Tag) TableName() string { return "tag" }

type Customer struct {
	ID     int64
	Email  string
	Name   string
	Orders []Order
	Tags   []Tag `gorm:"many2many:customer_tag"`
}

func (Customer) TableName() string { return "customer" }

type Order struct {
	ID         int64
	CustomerID int64
	ReferrerID *int64
	Referrer   *Customer `gorm:"foreignkey:ReferrerID"`
	Total      float64
	Version    int   `gorm:"default:1"`
	Tags       []Tag `gorm:"many2many:order_tag"`
}

// Paranoid is the same table with GORM's own soft delete.
type Paranoid struct {
	ID        int64
	Email     string
	Name      string
	DeletedAt *time.Time
}

func (Paranoid) TableName() string { return "customer" }

var db *gorm.DB

func connect(options string) *gorm.DB {
	url := fmt.Sprintf("%s?options=%s", os.Getenv("DATABASE_URL"), strings.ReplaceAll(options, " ", "%20"))
	pool, err := sql.Open("pgx", url)
	check(err)
	opened, err := gorm.Open("postgres", pool)
	check(err)
	opened.LogMode(false)
	return opened
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func get(id int64) *Order {
	var order Order
	check(db.First(&order, id).Error)
	return &order
}

func byEmail(email string) *Customer {
	var customer Customer
	check(db.Where("email = ?", email).First(&customer).Error)
	return &customer
}

func names(rows *gorm.DB) string {
	var found []string
	check(rows.Order("id").Pluck("name", &found).Error)
	return strings.Join(found, ",")
}

func describe(ada Customer, order Order) string {
	var ids, tags []string
	for _, each := range ada.Orders {
		ids = append(ids, fmt.Sprint(each.ID))
	}
	for _, each := range order.Tags {
		tags = append(tags, each.Name)
	}
	referrer := "-"
	if order.Referrer != nil {
		referrer = order.Referrer.Name
	}
	return strings.Join(ids, ",") + " " + strings.Join(tags, ",") + " " + referrer
}

func takeOffAndPutOn(owner interface{}, name string) string {
	var tag Tag
	check(db.Where("name = ?", name).First(&tag).Error)
	check(db.Model(owner).Association("Tags").Delete(&tag).Error)
	check(db.Model(owner).Association("Tags").Append(&tag).Error)
	return ""
}

func debian(name string) string {
	version, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", name).Output()
	check(err)
	return strings.Split(string(version), "-")[0]
}

var steps = map[string]func(configured bool) string{
	"version": func(bool) string {
		return "GORM " + debian("golang-github-jinzhu-gorm-dev") + ", pgx " + debian("golang-github-jackc-pgx-v4-dev")
	},

	"create": func(bool) string {
		check(db.Transaction(func(tx *gorm.DB) error {
			red, blue := Tag{Name: "red"}, Tag{Name: "blue"}
			tx.Create(&red)
			tx.Create(&blue)
			first := Order{Total: 100, Tags: []Tag{red, blue}}
			second := Order{Total: 50, Tags: []Tag{red}}
			ada := Customer{Email: adasEmail, Name: "Ada", Orders: []Order{first, second}, Tags: []Tag{red}}
			bob := Customer{Email: bobsEmail, Name: "Bob", Orders: []Order{{Total: 30}}, Tags: []Tag{blue}}
			if err := tx.Create(&ada).Error; err != nil {
				return err
			}
			return tx.Create(&bob).Error
		}))
		return ""
	},

	"delete_one": func(bool) string {
		check(db.Delete(get(3)).Error)
		return ""
	},

	"delete_many": func(bool) string {
		result := db.Where("total < ?", 60).Delete(&Order{})
		check(result.Error)
		return fmt.Sprint(result.RowsAffected)
	},

	"delete_tree": func(bool) string {
		check(db.Delete(byEmail(adasEmail)).Error)
		return ""
	},

	"recreate": func(bool) string {
		check(db.Delete(byEmail(bobsEmail)).Error)
		check(db.Create(&Customer{Email: bobsEmail, Name: "Robert"}).Error)
		return ""
	},

	"upsert": func(bool) string {
		conflict := "ON CONFLICT (email) DO UPDATE SET name = excluded.name"
		for email, name := range map[string]string{adasEmail: "Ada L.", bobsEmail: "Robert"} {
			check(db.Set("gorm:insert_option", conflict).Create(&Customer{Email: email, Name: name}).Error)
		}
		return ""
	},

	"get_or_create": func(bool) string {
		var seen []string
		for _, email := range []string{bobsEmail, bobsEmail, adasEmail} {
			var customer Customer
			result := db.Where(Customer{Email: email}).Attrs(Customer{Name: "New"}).FirstOrCreate(&customer)
			check(result.Error)
			seen = append(seen, map[bool]string{true: "made", false: "found"}[customer.Name == "New" && result.RowsAffected == 1])
		}
		return strings.Join(seen, " ")
	},

	"eager": func(bool) string {
		var ada Customer
		var order Order
		check(db.Preload("Orders").First(&ada, 1).Error)
		check(db.Preload("Tags").Preload("Referrer").First(&order, 1).Error)
		return describe(ada, order)
	},

	"lazy": func(bool) string {
		var ada Customer
		check(db.First(&ada, 1).Error)
		order := *get(1)
		check(db.Model(&ada).Association("Orders").Find(&ada.Orders).Error)
		check(db.Model(&order).Association("Tags").Find(&order.Tags).Error)
		var referrer Customer
		if !db.Model(&order).Related(&referrer, "Referrer").RecordNotFound() {
			order.Referrer = &referrer
		}
		return describe(ada, order)
	},

	// A look at a version is a condition.
	"locking": func(bool) string {
		as := func(id int64) *gorm.DB { return db.Model(&Order{}).Where("id = ? AND version = ?", id, 1) }
		change := func(total float64) map[string]interface{} {
			return map[string]interface{}{"total": total, "version": gorm.Expr("version + 1")}
		}
		check(as(1).Delete(&Order{}).Error)
		check(as(2).Updates(change(51)).Error)
		saved, removed := as(1).Updates(change(101)), as(2).Delete(&Order{})
		seen := map[int64]string{0: "stale"}
		return seen[saved.RowsAffected] + " " + seen[removed.RowsAffected]
	},

	"savepoint": func(bool) string {
		check(db.Transaction(func(tx *gorm.DB) error {
			tx.Exec("SAVEPOINT before")
			tx.Delete(&Order{}, "id = ?", 1)
			tx.Exec("ROLLBACK TO SAVEPOINT before")
			return tx.Delete(&Order{}, "id = ?", 3).Error
		}))
		return ""
	},

	"links":        func(bool) string { return takeOffAndPutOn(get(1), "blue") },
	"links_by_key": func(bool) string { return takeOffAndPutOn(byEmail(adasEmail), "red") },

	// pgx wants to know the type of the key.
	"restore": func(configured bool) string {
		var count int64
		query := map[bool]string{false: "SELECT softdelete.restore('orders', ?)", true: "SELECT softdelete.restore('orders', ?::bigint)"}
		check(db.Raw(query[configured], 3).Row().Scan(&count))
		return fmt.Sprintf("%d %d", count, get(3).ID)
	},

	"own_soft_delete": func(bool) string {
		bob := db.Where("email = ?", bobsEmail)
		check(bob.Delete(&Paranoid{}).Error)
		live, all := names(db.Model(&Paranoid{})), names(db.Unscoped().Model(&Paranoid{}))
		check(db.Unscoped().Model(&Paranoid{}).Where("email = ?", bobsEmail).Update("deleted_at", nil).Error)
		return live + "|" + all + "|" + names(db.Model(&Paranoid{}))
	},

	"truncate": func(configured bool) string {
		options := ""
		if configured {
			options = "-c softdelete.deletion=hard"
		}
		tests := connect(options)
		defer tests.Close()
		check(tests.Exec("TRUNCATE customer, tag CASCADE").Error)
		return ""
	},
}

func answer(step string, configured bool) (line string) {
	defer func() {
		if err := recover(); err != nil {
			line = "failed: " + strings.Split(fmt.Sprint(err), "\n")[0]
		}
	}()
	if steps[step] == nil {
		return "none"
	}
	return strings.TrimSpace("ok " + steps[step](configured))
}

func main() {
	db = connect("")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		fmt.Printf("%s: %s\n", words[0], answer(words[0], len(words) > 1))
	}
}
