package export

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// naming is how the files of a table are called: AWS's way, or that of a custom source of Security Lake.
type naming struct {
	service string // vpcflowlogs, mirrorsinkdns; in Security Lake the source's name
	log     string // the flow log's ID, as in fl-0123456789abcdef0
	lake    bool   // in Security Lake's folders
}

// period is the time that a folder is for.
func (n *naming) period() time.Duration {
	if n.lake {
		return 24 * time.Hour
	}
	return time.Hour
}

// folder is where files of an owner's rows go, with slashes: Hive partitions as VPC Flow Logs has them ("aws-service" and the
// like), or those of Security Lake's custom sources.
func (n *naming) folder(l locality, at time.Time) string {
	account, region := pathName(l.account), pathName(l.region)
	if n.lake {
		return path.Join("ext", n.service, "region="+region, "accountId="+account, "eventDay="+at.Format("20060102"))
	}
	return path.Join("AWSLogs", "aws-account-id="+account, "aws-service="+n.service, "aws-region="+region,
		at.Format("year=2006/month=01/day=02/hour=15"))
}

// file is a file's name: as that of VPC Flow Logs, with more of the hash. It is that of the rows, so that the same rows give
// the same name, and others another, whatever machine they are from.
func (n *naming) file(l locality, window time.Time, sum []byte) string {
	end := ".log.parquet"
	if n.lake {
		end = ".parquet"
	}
	return strings.Join([]string{
		pathName(l.account), n.service, pathName(l.region), n.log, window.Format("20060102T1504Z"), fmt.Sprintf("%x", sum[:8]),
	}, "_") + end
}

// maxPathName is how much of a name goes into a path. Accounts have 12 digits, and regions about as many letters.
const maxPathName = 64

// pathName makes part of a path of a name that anybody may have written into an inventory: what is not a letter, a digit or a
// dash becomes a dash. A name that is not known is unknown, as AWS has it.
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
