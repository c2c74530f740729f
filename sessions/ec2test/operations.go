package ec2test

// operations are the supported actions.
var operations map[string]operation

func init() { // the kinds refer to each other
	operations = map[string]operation{
		"CreateTrafficMirrorTarget":    {ec2, true, createTarget},
		"DeleteTrafficMirrorTarget":    {ec2, true, deleteTarget},
		"DescribeTrafficMirrorTargets": {ec2, false, describing(targetKind)},

		"CreateTrafficMirrorFilter":                {ec2, true, createFilter},
		"DeleteTrafficMirrorFilter":                {ec2, true, deleteFilter},
		"ModifyTrafficMirrorFilterNetworkServices": {ec2, true, modifyNetworkServices},
		"DescribeTrafficMirrorFilters":             {ec2, false, describing(filterKind)},

		"CreateTrafficMirrorFilterRule":    {ec2, true, createRule},
		"DeleteTrafficMirrorFilterRule":    {ec2, true, deleteRule},
		"ModifyTrafficMirrorFilterRule":    {ec2, true, modifyRule},
		"DescribeTrafficMirrorFilterRules": {ec2, false, describeRules},

		"CreateTrafficMirrorSession":    {ec2, true, createSession},
		"DeleteTrafficMirrorSession":    {ec2, true, deleteSession},
		"ModifyTrafficMirrorSession":    {ec2, true, modifySession},
		"DescribeTrafficMirrorSessions": {ec2, false, describing(sessionKind)},

		"DescribeNetworkInterfaces": {ec2, false, describing(interfaceKind)},
		"DescribeInstances":         {ec2, false, describing(instanceKind)},
		"DescribeSubnets":           {ec2, false, describing(subnetKind)},
		"DescribeSecurityGroups":    {ec2, false, describing(groupKind)},
		"CreateTags":                {ec2, true, createTags},
		"DeleteTags":                {ec2, true, deleteTags},

		"DescribeLoadBalancers":          {elb, false, describeBalancers},
		"DescribeLoadBalancerAttributes": {elb, false, describeAttributes},
		"DescribeListeners":              {elb, false, describeListeners},
		"DescribeTargetGroups":           {elb, false, describeTargetGroups},
		"DescribeTargetHealth":           {elb, false, describeTargetHealth},
	}
}

func describing[T any](k *kind[T]) func(*call) (reply, error) {
	return func(c *call) (reply, error) { return describe(c, k) }
}
