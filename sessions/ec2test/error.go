package ec2test

import (
	"fmt"
	"net/http"
)

// apiError is the answer to a failed call.
type apiError struct{ Code, Message string }

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func refused(code, format string, args ...any) *apiError {
	return &apiError{code, fmt.Sprintf(format, args...)}
}

func missing(key string) *apiError {
	return refused("MissingParameter", "The request must contain the parameter %s.", key)
}

func invalid(key, value, why string) *apiError {
	return refused("InvalidParameterValue", "Value (%s) for parameter %s is invalid. %s", value, key, why)
}

// statusOf returns the HTTP status of an error code. The SDK decides by the status and the code what to retry.
func statusOf(code string) int {
	switch code {
	case "DryRunOperation":
		return http.StatusPreconditionFailed
	case "UnauthorizedOperation", "AccessDenied", "MissingAuthenticationToken":
		return http.StatusForbidden
	case "AuthFailure":
		return http.StatusUnauthorized
	case "RequestLimitExceeded", "Unavailable", "ServiceUnavailable":
		return http.StatusServiceUnavailable
	case "InternalError", "InternalFailure":
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}
