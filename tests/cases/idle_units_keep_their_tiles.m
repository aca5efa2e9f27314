Network idle_units_keep_their_tiles {
	Layer idle_units_keep_their_tiles {
		Type: GEMM
		Dimensions { M: 3, N: 2 }
		Dataflow {
			TemporalMap(1,1) N;
			TemporalMap(2,2) M;
			Cluster(2, P);
			SpatialMap(1,1) M;
		}
	}
}
