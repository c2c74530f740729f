output "bucket" {
  value       = aws_cloudformation_stack.mirrorsink.outputs["Bucket"]
  description = "Where the records are"
}

output "balancer_arn" {
  value       = aws_cloudformation_stack.mirrorsink.outputs["BalancerArn"]
  description = "The mirror target of a spec, as network-load-balancer"
}

output "topic" {
  value       = aws_cloudformation_stack.mirrorsink.outputs["Topic"]
  description = "Where alerts and alarms are sent"
}
