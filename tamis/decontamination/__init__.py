"""What `tamis.stages.decontamination` decides with: items of benchmarks, the index, matches, the audit."""
