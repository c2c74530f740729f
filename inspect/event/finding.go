package event

// Finding is what an Alert event has beside the flow: the parts of Suricata's alert object. It is immutable.
type Finding struct {
	ID        uint32 // of the signature
	Signature string
	Category  string
	Severity  uint8 // 1 is the most urgent
	Metadata  []Metadata
}

// Metadata is a member of a finding's metadata. Values are never empty.
type Metadata struct {
	Key    string
	Values []string
}
