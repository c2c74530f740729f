package account

// Tags are the tags of an EC2 resource.
type Tags map[string]string

// Has reports whether the tag is there with this value. A tag with an empty value differs from no tag.
func (t Tags) Has(key, value string) bool {
	v, ok := t[key]
	return ok && v == value
}

// Tags of the resources that mirrorsink creates.
const (
	OwnerTag = "mirrorsink:owner" // the owner of the spec; a resource without the spec's owner is never changed
	NameTag  = "mirrorsink:name"  // the entry of the spec that the resource stands for
)

// OwnedBy returns the owner as it follows other facts in messages, ", owner payments", or "" if there is none.
func (t Tags) OwnedBy() string {
	if owner := t[OwnerTag]; owner != "" {
		return ", owner " + owner
	}
	return ""
}
