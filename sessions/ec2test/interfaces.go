package ec2test

import (
	"net/netip"
	"strconv"
)

// interfaceKind has the documented filters except those of public addresses and DNS names, which the model does not have.
var interfaceKind = &kind[Interface]{
	table: func(d *store) *table[Interface] { return &d.interfaces },
	ids:   "NetworkInterfaceId", notFound: "InvalidNetworkInterfaceID.NotFound", noun: "networkInterface", set: "networkInterfaceSet",
	fields: fields[Interface]{
		"addresses.private-ip-address": func(_ *store, i *Interface) []string { return addresses(i.Addresses) },
		"attachment.attachment-id":     func(_ *store, i *Interface) []string { return one(i.attachment()) },
		"attachment.device-index": func(_ *store, i *Interface) []string {
			if i.Instance == "" {
				return nil
			}
			return oneInt(i.Device)
		},
		"attachment.instance-id":       func(_ *store, i *Interface) []string { return one(i.Instance) },
		"attachment.instance-owner-id": func(_ *store, i *Interface) []string { return one(i.attachedBy()) },
		"attachment.status":            func(_ *store, i *Interface) []string { return one(i.attachmentStatus()) },
		"availability-zone":            func(_ *store, i *Interface) []string { return one(i.Zone) },
		"description":                  func(_ *store, i *Interface) []string { return one(i.Description) },
		"group-id":                     func(_ *store, i *Interface) []string { return i.Groups },
		"interface-type":               func(_ *store, i *Interface) []string { return one(i.Type) },
		"ipv6-addresses.ipv6-address":  func(_ *store, i *Interface) []string { return addresses(i.IPv6) },
		"mac-address":                  func(_ *store, i *Interface) []string { return one(i.MAC) },
		"network-interface-id":         func(_ *store, i *Interface) []string { return one(i.ID) },
		"operator.managed":             func(_ *store, i *Interface) []string { return one("false") },
		"owner-id":                     func(_ *store, i *Interface) []string { return one(i.Owner) },
		"private-ip-address":           func(_ *store, i *Interface) []string { return addresses(i.Addresses) },
		"requester-id":                 func(_ *store, i *Interface) []string { return one(i.Requester) },
		"requester-managed":            func(_ *store, i *Interface) []string { return one(strconv.FormatBool(i.RequesterManaged)) },
		"status":                       func(_ *store, i *Interface) []string { return one(i.Status) },
		"subnet-id":                    func(_ *store, i *Interface) []string { return one(i.Subnet) },
		"vpc-id":                       func(_ *store, i *Interface) []string { return one(i.VPC) },
	},
	tags:   func(i *Interface) map[string]string { return i.Tags },
	write:  writeInterface,
	either: true,
}

func addresses(list []netip.Addr) []string {
	all := make([]string, len(list))
	for i, a := range list {
		all[i] = a.String()
	}
	return all
}

// attachment returns the ID of the attachment, which is derived from that of the interface.
func (i *Interface) attachment() string {
	if i.Instance == "" && i.attachedBy() == "" {
		return ""
	}
	return "eni-attach-" + i.ID[min(len(i.ID), len("eni-")):]
}

// attachedBy returns the owner of the machine that the interface is attached to. Interfaces of AWS services are attached to machines of
// theirs.
func (i *Interface) attachedBy() string {
	switch {
	case i.Instance != "":
		return i.Owner
	case i.Status == "in-use":
		return "amazon-aws"
	default:
		return ""
	}
}

func (i *Interface) attachmentStatus() string {
	switch {
	case i.attachedBy() == "":
		return ""
	case i.Status == "attaching" || i.Status == "detaching":
		return i.Status
	default:
		return "attached"
	}
}

func writeInterface(w xmlWriter, i *Interface) {
	w.value("networkInterfaceId", i.ID)
	w.text("subnetId", i.Subnet)
	w.text("vpcId", i.VPC)
	w.text("availabilityZone", i.Zone)
	w.text("availabilityZoneId", i.ZoneID)
	w.text("description", i.Description)
	w.value("ownerId", i.Owner)
	w.text("requesterId", i.Requester)
	w.flag("requesterManaged", i.RequesterManaged)
	w.value("status", i.Status)
	w.value("interfaceType", i.Type)
	writeAddresses(w, i)
	w.flag("sourceDestCheck", true)
	writeGroups(w, i.Groups)
	if i.attachment() != "" {
		w.in("attachment", func() {
			writeAttachment(w, i)
			w.text("instanceId", i.Instance)
			w.value("instanceOwnerId", i.attachedBy())
		})
	}
	w.tags(i.Tags)
}

func writeAddresses(w xmlWriter, i *Interface) {
	w.text("macAddress", i.MAC)
	if len(i.Addresses) > 0 {
		w.value("privateIpAddress", i.Addresses[0].String())
	}
	w.in("privateIpAddressesSet", func() {
		for n, a := range i.Addresses {
			w.in("item", func() {
				w.value("privateIpAddress", a.String())
				w.flag("primary", n == 0)
			})
		}
	})
	writeSet(w, "ipv6AddressesSet", i.IPv6, func(a netip.Addr) { w.value("ipv6Address", a.String()) })
}

func writeGroups(w xmlWriter, ids []string) {
	writeSet(w, "groupSet", ids, func(id string) { w.value("groupId", id) })
}

// writeAttachment writes what the attachment of an interface and of an instance's interface have in common.
func writeAttachment(w xmlWriter, i *Interface) {
	w.value("attachmentId", i.attachment())
	w.number("deviceIndex", i.Device)
	w.number("networkCardIndex", 0)
	w.value("status", i.attachmentStatus())
	w.value("attachTime", started)
	w.flag("deleteOnTermination", true)
}

// started is the creation time of everything in the account.
const started = "2024-01-01T00:00:00.000Z"
