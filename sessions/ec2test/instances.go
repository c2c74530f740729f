package ec2test

// instanceKind has those of the many documented filters that the model supports.
var instanceKind = &kind[Instance]{
	table: func(d *store) *table[Instance] { return &d.instances },
	ids:   "InstanceId", notFound: "InvalidInstanceID.NotFound", noun: "instance", set: "reservationSet",
	fields: fields[Instance]{
		"availability-zone":   ofInterface(func(i *Interface) []string { return one(i.Zone) }),
		"image-id":            func(_ *store, i *Instance) []string { return one(i.Image) },
		"instance-id":         func(_ *store, i *Instance) []string { return one(i.ID) },
		"instance-state-code": func(_ *store, i *Instance) []string { return oneInt(stateCodes[i.State]) },
		"instance-state-name": func(_ *store, i *Instance) []string { return one(i.State) },
		"instance-type":       func(_ *store, i *Instance) []string { return one(i.Type) },
		"instance.group-id":   ofInterface(func(i *Interface) []string { return i.Groups }),
		"network-interface.addresses.private-ip-address": ofInterfaces(func(i *Interface) []string { return addresses(i.Addresses) }),
		"network-interface.network-interface-id":         ofInterfaces(func(i *Interface) []string { return one(i.ID) }),
		"network-interface.subnet-id":                    ofInterfaces(func(i *Interface) []string { return one(i.Subnet) }),
		"network-interface.vpc-id":                       ofInterfaces(func(i *Interface) []string { return one(i.VPC) }),
		"owner-id":                                       func(_ *store, i *Instance) []string { return one(i.Owner) },
		"private-ip-address":                             ofInterface(func(i *Interface) []string { return addresses(i.Addresses[:min(1, len(i.Addresses))]) }),
		"subnet-id":                                      ofInterface(func(i *Interface) []string { return one(i.Subnet) }),
		"vpc-id":                                         ofInterface(func(i *Interface) []string { return one(i.VPC) }),
	},
	tags:     func(i *Instance) map[string]string { return i.Tags },
	complete: withInterfaces,
	write:    writeReservation,
	either:   true,
}

// stateCodes are those of InstanceState.
var stateCodes = map[string]int{"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}

// ofInterface returns a field of the instance's interface with device index 0, if it has one.
func ofInterface(field func(*Interface) []string) func(*store, *Instance) []string {
	return func(d *store, i *Instance) []string {
		if all := d.interfacesOf(i.ID); len(all) > 0 && all[0].Device == 0 {
			return field(all[0])
		}
		return nil
	}
}

// ofInterfaces returns a field of all of the instance's interfaces.
func ofInterfaces(field func(*Interface) []string) func(*store, *Instance) []string {
	return func(d *store, i *Instance) (values []string) {
		for _, eni := range d.interfacesOf(i.ID) {
			values = append(values, field(eni)...)
		}
		return values
	}
}

func withInterfaces(c *call, i *Instance) *Instance {
	whole := *i
	whole.interfaces = c.interfacesOf(i.ID)
	return &whole
}

// writeReservation writes an instance in a reservation of its own.
func writeReservation(w xmlWriter, i *Instance) {
	w.value("reservationId", "r-"+i.ID[min(len(i.ID), len("i-")):])
	w.value("ownerId", i.Owner)
	w.in("groupSet", func() {})
	w.in("instancesSet", func() { w.in("item", func() { writeInstance(w, i) }) })
}

func writeInstance(w xmlWriter, i *Instance) {
	w.value("instanceId", i.ID)
	w.text("imageId", i.Image)
	w.value("instanceType", i.Type)
	w.in("instanceState", func() {
		w.number("code", stateCodes[i.State])
		w.value("name", i.State)
	})
	w.value("launchTime", started)
	if len(i.interfaces) > 0 && i.interfaces[0].Device == 0 {
		writePlace(w, i.interfaces[0])
	}
	writeSet(w, "networkInterfaceSet", i.interfaces, func(eni *Interface) { writeInstanceInterface(w, eni) })
	w.tags(i.Tags)
}

// writePlace writes what an instance has of its first interface.
func writePlace(w xmlWriter, eni *Interface) {
	w.in("placement", func() {
		w.text("availabilityZone", eni.Zone)
		w.value("tenancy", "default")
	})
	w.text("subnetId", eni.Subnet)
	w.text("vpcId", eni.VPC)
	if len(eni.Addresses) > 0 {
		w.value("privateIpAddress", eni.Addresses[0].String())
	}
	writeGroups(w, eni.Groups)
}

func writeInstanceInterface(w xmlWriter, eni *Interface) {
	w.value("networkInterfaceId", eni.ID)
	w.text("subnetId", eni.Subnet)
	w.text("vpcId", eni.VPC)
	w.text("description", eni.Description)
	w.value("ownerId", eni.Owner)
	w.value("status", eni.Status)
	w.value("interfaceType", eni.Type)
	writeAddresses(w, eni)
	writeGroups(w, eni.Groups)
	w.in("attachment", func() { writeAttachment(w, eni) })
}
