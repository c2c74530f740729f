package sessions

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// someState has two interfaces of one instance and one without, and what makes sessions be left out.
func someState() *account.State {
	addr := netip.MustParseAddr
	return &account.State{
		Region: "eu-west-1",
		Interfaces: []account.Interface{
			{
				ID: "eni-a", MAC: "02:00:00:00:00:0a", Primary: addr("10.0.1.10"), Account: "111122223333",
				Addresses: []netip.Addr{addr("10.0.1.10"), addr("10.0.1.11"), addr("2001:db8::a")},
				VPC:       "vpc-1", Subnet: "subnet-1", Zone: "eu-west-1a", ZoneID: "euw1-az1", Type: "interface", Instance: "i-1", Tags: account.Tags{"Name": "eth0", "side": "left"},
			},
			{ID: "eni-b", Primary: addr("10.0.1.20"), Instance: "i-1"},
			{ID: "eni-c", Primary: addr("10.0.1.5"), Tags: account.Tags{"Name": "cache"}},
			{ID: "eni-elsewhere", Primary: addr("10.0.1.20"), VPC: "vpc-2"},
			{ID: "eni-new"},
		},
		Instances: []account.Instance{{ID: "i-1", Tags: account.Tags{"Name": "web", "team": "blue"}}},
		Sessions: []account.Session{
			{ID: "tms-a2", Interface: "eni-a", Number: 2, VNI: 101},
			{ID: "tms-a1", Interface: "eni-a", Number: 1, VNI: 101, Tags: account.Tags{account.OwnerTag: "us"}},
			{ID: "tms-a3", Interface: "eni-a", Number: 3, VNI: 100},
			{ID: "tms-b", Interface: "eni-b", Number: 1, VNI: 102, Account: "444455556666", Tags: account.Tags{account.OwnerTag: "us"}},
			{ID: "tms-c", Interface: "eni-c", Number: 1, VNI: 7, Tags: account.Tags{account.OwnerTag: "them"}},
			{ID: "tms-x", Interface: "eni-gone", Number: 1, VNI: 8},
			{ID: "tms-y", Interface: "eni-new", Number: 1, VNI: 9},
		},
	}
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("", 3600))

func TestInventoryJoinsSessionsWithInterfacesAndInstances(t *testing.T) {
	inv, left := NewInventory(someState(), noon)
	assert.Equal(t, "eu-west-1", inv.Region)
	assert.Equal(t, noon.UTC(), inv.Made)
	var order []string
	for _, e := range inv.Entries {
		order = append(order, e.Session)
	}
	assert.Equal(t, []string{"tms-c", "tms-a3", "tms-a1", "tms-b"}, order, "by outer source and VNI")
	addr := netip.MustParseAddr
	assert.Equal(t, Entry{
		Outer: addr("10.0.1.10"), VNI: 101, Session: "tms-a1", Interface: "eni-a", MAC: "02:00:00:00:00:0a",
		Addresses: []netip.Addr{addr("10.0.1.10"), addr("10.0.1.11"), addr("2001:db8::a")},
		Instance:  "i-1", VPC: "vpc-1", Subnet: "subnet-1", Zone: "eu-west-1a", ZoneID: "euw1-az1", Type: "interface", Account: "111122223333",
		Tags: account.Tags{"Name": "eth0", "side": "left", "team": "blue"},
	}, inv.Entries[2], "the interface's tags stand over the instance's")
	assert.Equal(t, "444455556666", inv.Entries[3].Account, "the session's, where the interface's is not known")
	assert.Equal(t, account.Tags{"Name": "cache"}, inv.Entries[0].Tags)
	assert.Equal(t, []Omission{
		{"tms-a2", "session tms-a1 of the same interface has VNI 101 too"},
		{"tms-x", "its interface eni-gone is not there"},
		{"tms-y", "its interface eni-new has no private address"},
	}, left)
}

// Two VPCs may use the same addresses, and VNIs chosen by hand may collide: then packets cannot be attributed.
func TestInventoryDoesNotGuess(t *testing.T) {
	s := someState()
	s.Sessions = append(s.Sessions, account.Session{ID: "tms-z", Interface: "eni-elsewhere", Number: 1, VNI: 102})
	inv, left := NewInventory(s, noon)
	for _, e := range inv.Entries {
		assert.NotContains(t, []string{"tms-b", "tms-z"}, e.Session)
	}
	assert.Contains(t, left, Omission{"tms-b", "several interfaces send from 10.0.1.20 with VNI 102"})
	assert.Contains(t, left, Omission{"tms-z", "several interfaces send from 10.0.1.20 with VNI 102"})
	assert.Len(t, left, 5)
}

func TestInventoryOfOneOwner(t *testing.T) {
	s := someState()
	inv, left := NewInventory(s.OwnedBy("us"), noon)
	assert.Len(t, inv.Entries, 2)
	assert.Empty(t, left)
	assert.Len(t, s.Sessions, 7, "the state is unchanged")
}

// The inventory does not depend on the order of the state, and shares no memory with it.
func TestInventoryDoesNotDependOnTheOrder(t *testing.T) {
	want, wantLeft := NewInventory(someState(), noon)
	rapid.Check(t, func(t *rapid.T) {
		s := someState()
		s.Sessions = rapid.Permutation(s.Sessions).Draw(t, "sessions")
		s.Interfaces = rapid.Permutation(s.Interfaces).Draw(t, "interfaces")
		inv, left := NewInventory(s, noon)
		assert.Equal(t, want, inv)
		assert.Equal(t, wantLeft, left)
		for i := range s.Interfaces {
			clear(s.Interfaces[i].Tags)
			clear(s.Interfaces[i].Addresses)
		}
		assert.Equal(t, want, inv)
	})
}

// someInventory draws an inventory that could be.
func someInventory(t *rapid.T) *Inventory {
	text := rapid.StringN(0, 12, 40).Filter(func(s string) bool { return !strings.ContainsRune(s, '\ufffd') })
	id := rapid.StringMatching(`[a-z]{1,4}-[0-9a-f]{1,17}`)
	addr := rapid.Custom(func(t *rapid.T) netip.Addr {
		if rapid.Bool().Draw(t, "IPv6") {
			return netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address"))).Unmap()
		}
		return netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")))
	})
	entry := rapid.Custom(func(t *rapid.T) Entry {
		return Entry{
			Outer: addr.Draw(t, "outer"), VNI: rapid.Uint32Range(0, account.MaxVNI).Draw(t, "vni"), Session: id.Draw(t, "session"), Interface: id.Draw(t, "interface"),
			MAC:       rapid.SampledFrom([]string{"", "02:00:00:00:00:0a"}).Draw(t, "mac"),
			Addresses: rapid.SliceOfN(addr, 1, 3).Draw(t, "addresses"),
			Instance:  text.Draw(t, "instance"), VPC: text.Draw(t, "vpc"), Subnet: text.Draw(t, "subnet"), Zone: text.Draw(t, "zone"), Account: text.Draw(t, "account"),
			Tags: rapid.MapOfN(text, text, 1, 3).Draw(t, "tags"),
		}
	})
	return &Inventory{
		Format: InventoryFormat, Made: time.Unix(0, rapid.Int64Range(0, 1<<61).Draw(t, "made")).UTC(), Region: text.Draw(t, "region"),
		Entries: rapid.SliceOfNDistinct(entry, 0, 5, func(e Entry) entryKey { return e.key() }).Draw(t, "sessions"),
	}
}

func TestInventoryIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inv := someInventory(t)
		var text bytes.Buffer
		require.NoError(t, inv.Write(&text))
		assert.Equal(t, 2+len(inv.Entries), bytes.Count(text.Bytes(), []byte("\n")), "an entry a line")
		assert.True(t, json.Valid(text.Bytes()))
		again, err := ReadInventory(&text)
		require.NoError(t, err)
		assert.Equal(t, inv, again)
	})
}

func TestInventoryIsWrittenInOneForm(t *testing.T) {
	inv, _ := NewInventory(someState().OwnedBy("them"), noon)
	var text strings.Builder
	require.NoError(t, inv.Write(&text))
	assert.Equal(t, `{"format":1,"made":"2026-11-21T11:00:00Z","region":"eu-west-1","sessions":[
{"outer":"10.0.1.5","vni":7,"session":"tms-c","interface":"eni-c","tags":{"Name":"cache"}}
]}
`, text.String())
}

// Errors have one line with the position of the mistake.
func TestInventoryIsReadStrictly(t *testing.T) {
	good := `{"outer":"10.0.0.1","vni":7,"session":"tms-1","interface":"eni-1"}`
	in := func(entries string) string {
		return `{"format":1,"made":"2026-11-21T12:00:00Z","sessions":[` + entries + `]}`
	}
	with := func(old, new string) string { return in(good + ",\n" + strings.Replace(good, old, new, 1)) }
	for text, want := range map[string]string{
		"":                               "line 1: not JSON, or incomplete",
		"vni: 7":                         "line 1: not JSON",
		"{\n\"format\":1,\n}":            "line 3: not JSON",
		"[]":                             "line 1: want an object, found array",
		`{"sessions":[]}`:                "no format: this is no inventory",
		`{"format":2,"sesions":{}}`:      "format 2: this version reads 1",
		in("") + "{}":                    "line 1: not JSON",
		`{"format":1,"sesions":[]}`:      `unknown key "sesions"`,
		`{"format":1,"made":"tomorrow"}`: "want a time such as 2026-11-21T12:00:00Z",
		`{"format":1,"sessions":7}`:      `line 1: "sessions": found number`,
		in("7"):                          "sessions[0]: want an object, found number",
		with(`"vni"`, `"vin"`):           `sessions[1] "tms-1": unknown key "vin"`,
		with(`:7`, `:16777216`):          `sessions[1] "tms-1": vni 16777216: want 0 to 16777215`,
		with(`:7`, `:-1`):                `"vni": found number -1`,
		with(`:7`, `:"7"`):               `"vni": found string`,
		with(`10.0.0.1`, `10.0.0`):       `sessions[1]: "10.0.0": want an address such as 10.0.1.10`,
		with(`10.0.0.1`, `fe80::1%eth0`): `sessions[1] "tms-1": outer fe80::1%eth0: an interface's address has no zone`,
		with(`"outer":"10.0.0.1",`, ``):  `sessions[1] "tms-1": no outer`,
		with(`tms-1`, ``):                `sessions[1]: want the IDs`,
		with(`eni-1`, ``):                `sessions[1] "tms-1": want the IDs`,
		with(`"session"`, `"mac":"02:00","session"`):               `mac "02:00": want six bytes`,
		with(`"session"`, `"addresses":["10.0.0.1",""],"session"`): `addresses[1]`,
		with(`tms-1`, `tms-2`):                                     `sessions[1] "tms-2": outer 10.0.0.1 with VNI 7 is that of sessions[0] too`,
		with(`10.0.0.1`, `::ffff:10.0.0.1`):                        `is that of sessions[0] too`,
	} {
		inv, err := ReadInventory(strings.NewReader(text))
		require.ErrorContains(t, err, want, "%s", text)
		assert.NotContains(t, err.Error(), "\n", "%s", text)
		assert.Nil(t, inv)
	}
	inv, err := ReadInventory(strings.NewReader(in(good)))
	require.NoError(t, err)
	assert.Len(t, inv.Entries, 1)
}

// endless is a file that somebody mistook for an inventory.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestInventoryIsBounded(t *testing.T) {
	_, err := ReadInventory(endless{})
	assert.EqualError(t, err, "longer than 64 MiB: this is no inventory")
}
