package where

// Syntax is one entry of the language's reference: operators or functions with one line for people.
type Syntax struct{ Text, Doc string }

// Operators are the operators of expressions.
var Operators = []Syntax{
	{"and or not", "combine conditions; && || ! are the same"},
	{"== !=", "compare two values of one kind; an address also with one in quotation marks"},
	{"< <= > >=", "compare numbers; 1 < port < 1024 is allowed"},
	{"in, not in", "is one of a list of literals; for addresses, is in one of a list of ranges"},
	{"contains", "text holds text"},
	{"startsWith, endsWith", "text begins or ends with text"},
	{"matches", "text matches a regular expression of Go, in quotation marks"},
	{"+ - * /", "arithmetic on numbers"},
}

// Functions are the functions of expressions.
var Functions = []Syntax{
	{"cidr(address, range)", "the address is in the range, such as \"10.0.0.0/8\""},
	{"private(address)", "the address is not routed on the internet"},
	{"domain(text)", "the registrable domain of a name: example.com for www.example.com"},
	{"lower(text), upper(text)", "the text in lower or upper case"},
	{"len(text)", "the number of characters in the text"},
}

// Examples are expressions over the fields of flow logs.
var Examples = []string{
	`dstport in [22, 3389] and not private(dstaddr)`,
	`srcaddr in ["10.0.1.0/24", "10.0.2.7"] or cidr(dstaddr, "203.0.113.0/24")`,
	`domain(name) == "example.com" and protocol == 6`,
	`instance_id == "i-0a1b2c3d4e5f60718" and name matches "^(dev|test)-"`,
}
