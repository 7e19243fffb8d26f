module mpp

go 1.24
