package report

// managementPorts are the names of services: common ones of system ports, and those of other ports that manage machines.
var managementPorts = map[uint16]string{
	21: "ftp", 22: "ssh", 23: "telnet", 25: "smtp", 53: "dns", 80: "http", 88: "kerberos", 123: "ntp", 135: "msrpc", 139: "netbios", 161: "snmp",
	389: "ldap", 443: "https", 445: "smb", 514: "syslog", 587: "smtp", 623: "ipmi", 636: "ldaps", 830: "netconf", 853: "dns over tls", 873: "rsync",
	2375: "docker", 2376: "docker", 3389: "rdp", 5900: "vnc", 5985: "winrm", 5986: "winrm", 6443: "kubernetes", 10250: "kubelet",
}

// firstUserPort is the first port that is not a system port (RFC 6335 section 6).
const firstUserPort = 1024

// isManagementPort reports whether a port is a system port or one that manages machines.
func isManagementPort(port uint16) bool {
	return port > 0 && (port < firstUserPort || managementPorts[port] != "")
}
