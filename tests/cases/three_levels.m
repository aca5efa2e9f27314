Network three_levels {
	Layer three_levels {
		Type: GEMM
		Dimensions { M: 2, N: 2, K: 2 }
		Dataflow {
			TemporalMap(1,1) M;
			Cluster(2, P);
			SpatialMap(1,1) N;
			Cluster(1, P);
			TemporalMap(1,1) K;
		}
	}
}
