Network chain_delay {
	Layer chain_delay {
		Type: GEMM
		Dimensions { M: 2, K: 4 }
		Dataflow {
			TemporalMap(1,1) M;
			SpatialMap(1,1) K;
		}
	}
}
