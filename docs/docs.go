// Package docs holds the pages of this folder that the program prints as help topics. It has no code, so that anything may import it.
package docs

import _ "embed"

// Pages in Markdown.
var (
	//go:embed fields.md
	Fields string
	//go:embed hints.md
	Hints string
	//go:embed iam.md
	IAM string
	//go:embed delivery.md
	Delivery string
	//go:embed policy.md
	Policy string
	//go:embed alerts.md
	Alerts string
)
