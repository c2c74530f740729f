package parquet

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// naming determines the folders and names of a table's files: those of AWS, or those of a custom source of Security Lake.
type naming struct {
	service string // vpcflowlogs or mirrorsinkdns; in Security Lake the source's name
	log     string // the flow log's ID, as in fl-0123456789abcdef0
	lake    bool   // in Security Lake's folders
}

// period is the period of time of each folder.
func (n *naming) period() time.Duration {
	if n.lake {
		return 24 * time.Hour
	}
	return time.Hour
}

// folder returns the path of a folder, with slashes: the Hive partitions of VPC Flow Logs, or those of Security Lake's custom
// sources.
func (n *naming) folder(l locality, at time.Time) string {
	account, region := pathName(l.account), pathName(l.region)
	if n.lake {
		return path.Join("ext", n.service, "region="+region, "accountId="+account, "eventDay="+at.Format("20060102"))
	}
	return path.Join("AWSLogs", "aws-account-id="+account, "aws-service="+n.service, "aws-region="+region,
		at.Format("year=2006/month=01/day=02/hour=15"))
}

// file returns a file's name: as in VPC Flow Logs, with a longer hash. The hash is of the rows, so that the same rows have the same
// name, and others a different one, on any machine.
func (n *naming) file(l locality, window time.Time, sum []byte) string {
	end := ".log.parquet"
	if n.lake {
		end = ".parquet"
	}
	return strings.Join([]string{
		pathName(l.account), n.service, pathName(l.region), n.log, window.Format("20060102T1504Z"), fmt.Sprintf("%x", sum[:8]),
	}, "_") + end
}

// maxPathName bounds a name in a path. Accounts have 12 digits, and regions about as many letters.
const maxPathName = 64

// pathName returns a name from an inventory as an element of a path: all but letters, digits and dashes become dashes. An empty name
// becomes "unknown", as in AWS's paths.
func pathName(name string) string {
	if name == "" {
		return "unknown"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case '0' <= r && r <= '9', 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z':
			return r
		}
		return '-'
	}, name[:min(len(name), maxPathName)])
}
