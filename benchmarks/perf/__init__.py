"""What users of crypto-perf tools know: throughput, latency, verify, offload, by bursts."""
